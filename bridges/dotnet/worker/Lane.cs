using System;
using System.Collections.Generic;
using System.Globalization;
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

        internal Lane(string name)
        {
            Thread thread = new Thread(Run, StackSize);
            thread.IsBackground = true;
            thread.Name = name;
            // Lanes are made on others: what a connector made of those must not go with the context to this one.
            if (ExecutionContext.IsFlowSuppressed()) thread.Start();
            else
                using (ExecutionContext.SuppressFlow())
                    thread.Start();
            Writer = new JsonWriter();
        }

        /// <summary>The cultures that the thread began with.</summary>
        internal CultureInfo Culture { get; private set; }

        internal CultureInfo LanguageCulture { get; private set; }

        /// <summary>The buffer of this lane's answers.</summary>
        internal JsonWriter Writer { get; private set; }

        internal void Do(Request request, Action work)
        {
            Do(() =>
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
        }

        /// <summary>Work that belongs to no request and does not throw.</summary>
        internal void Do(Action work)
        {
            lock (waiting)
            {
                waiting.Enqueue(work);
                Monitor.Pulse(waiting);
            }
        }

        /// <summary>Called on the lane itself: what the connector made of its thread's culture and identity ends here.</summary>
        internal void Restore()
        {
            Thread thread = Thread.CurrentThread;
            if (thread.CurrentCulture != Culture) thread.CurrentCulture = Culture;
            if (thread.CurrentUICulture != LanguageCulture) thread.CurrentUICulture = LanguageCulture;
            Thread.CurrentPrincipal = null;
        }

        private void Run()
        {
            Culture = Thread.CurrentThread.CurrentCulture;
            LanguageCulture = Thread.CurrentThread.CurrentUICulture;
            for (;;)
            {
                Action next;
                lock (waiting)
                {
                    while (waiting.Count == 0) Monitor.Wait(waiting);
                    next = waiting.Dequeue();
                }
                next();
            }
        }
    }

    /// <summary>
    /// Threads that a session left and the next one takes: a write has a session of its own, and a thread costs as much as the write.
    /// One that a connector never gives back is never waited for.
    /// </summary>
    internal sealed class LanePool
    {
        private readonly Stack<Lane> free = new Stack<Lane>();
        private int made;

        internal Lane Take()
        {
            lock (free)
                if (free.Count > 0) return free.Pop();
            return new Lane("session " + Interlocked.Increment(ref made));
        }

        /// <summary>Called on the lane itself.</summary>
        internal void Return(Lane lane)
        {
            lane.Restore();
            lock (free) free.Push(lane);
        }
    }
}
