using System;
using System.Collections.Generic;
using System.Threading;

namespace Landbridge.Worker
{
    /// <summary>
    /// A thread that does one thing after the other: all calls of one session, so that a connector object is never called twice at
    /// a time (R18) and finds its thread-bound state again. The stack is large: connectors recurse.
    /// </summary>
    internal sealed class Lane
    {
        private const int StackSize = 16 * 1024 * 1024;
        private readonly Queue<Action> waiting = new Queue<Action>();
        private bool ended;

        internal Lane(string name)
        {
            Thread thread = new Thread(Run, StackSize);
            thread.IsBackground = true;
            thread.Name = name;
            thread.Start();
            Writer = new JsonWriter();
        }

        /// <summary>The buffer of this lane's answers.</summary>
        internal JsonWriter Writer { get; private set; }

        internal void Do(Request request, Action work)
        {
            lock (waiting)
            {
                waiting.Enqueue(() =>
                {
                    try
                    {
                        work();
                    }
                    catch (Exception error)
                    {
                        request.Fail(error);
                    }
                });
                Monitor.Pulse(waiting);
            }
        }

        /// <summary>Ends the thread once everything before was done.</summary>
        internal void End()
        {
            lock (waiting)
            {
                ended = true;
                Monitor.Pulse(waiting);
            }
        }

        private void Run()
        {
            for (;;)
            {
                Action next;
                lock (waiting)
                {
                    while (waiting.Count == 0)
                    {
                        if (ended) return;
                        Monitor.Wait(waiting);
                    }
                    next = waiting.Dequeue();
                }
                next();
            }
        }
    }
}
