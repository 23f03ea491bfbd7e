using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using System.Threading;

namespace Landbridge.Worker
{
    /// <summary>JSON-RPC 2.0, one message a line. One thread reads; whoever has an answer writes it whole.</summary>
    internal sealed class Connection
    {
        private const int HeartbeatMilliseconds = 5000;
        private const int LongestLine = 512 * 1024 * 1024;
        private readonly Stream input;
        private readonly Stream output;
        private readonly object gate = new object();

        internal Connection(Stream input, Stream output)
        {
            this.input = input;
            this.output = output;
        }

        /// <summary>Reads until the host closes the stream; each request goes to the handler, which must not block.</summary>
        internal void Read(Action<Request> handle)
        {
            byte[] buffer = new byte[64 * 1024];
            int filled = 0;
            int searched = 0;
            for (;;)
            {
                if (filled == buffer.Length)
                {
                    if (filled >= LongestLine) throw new ProtocolException("a message is longer than " + LongestLine + " bytes");
                    Array.Resize(ref buffer, buffer.Length * 2);
                }
                int read = input.Read(buffer, filled, buffer.Length - filled);
                if (read == 0) return;
                filled += read;
                int start = 0;
                for (;;)
                {
                    int end = Array.IndexOf(buffer, (byte)'\n', Math.Max(start, searched), filled - Math.Max(start, searched));
                    if (end < 0) break;
                    if (end > start) Dispatch(Encoding.UTF8.GetString(buffer, start, end - start), handle);
                    start = end + 1;
                    searched = start;
                }
                if (start > 0) Array.Copy(buffer, start, buffer, 0, filled - start);
                filled -= start;
                searched = filled;
                if (filled == 0 && buffer.Length > 1024 * 1024) buffer = new byte[64 * 1024];
            }
        }

        private void Dispatch(string line, Action<Request> handle)
        {
            Request request;
            try
            {
                request = new Request(this, line);
            }
            catch (FormatException error)
            {
                throw new ProtocolException(error.Message);
            }
            handle(request);
        }

        /// <summary>Proves every few seconds that this process lives, however long a connector thinks (R26).</summary>
        internal void StartHeartbeat()
        {
            Thread thread = new Thread(() =>
            {
                for (;;)
                {
                    Thread.Sleep(HeartbeatMilliseconds);
                    Notify("alive", null);
                }
            });
            thread.IsBackground = true;
            thread.Name = "heartbeat";
            thread.Priority = ThreadPriority.AboveNormal;
            thread.Start();
        }

        internal void Notify(string method, Action<JsonWriter> parameters)
        {
            JsonWriter writer = new JsonWriter();
            writer.Open('{').Field("jsonrpc", "2.0").Field("method", method);
            if (parameters != null)
            {
                writer.Name("params").Open('{');
                parameters(writer);
                writer.Close('}');
            }
            writer.Close('}').Line();
            Send(writer);
        }

        internal void Send(JsonWriter writer)
        {
            lock (gate)
            {
                try
                {
                    output.Write(writer.Buffer, 0, writer.Length);
                    output.Flush();
                }
                catch (IOException)
                {
                    // The host is gone, and with it everything this process is for.
                    StandardStreams.Die();
                }
            }
        }
    }

    /// <summary>One request of the host, and the way to answer it.</summary>
    internal sealed class Request
    {
        private readonly Connection connection;
        private readonly object id;

        /// <summary>
        /// Reads the message. A batch of changes is not read here: the thread of its session does, straight into the objects that the
        /// connector gets. Where the id, the method and the session stand before the changes, they are not even looked at.
        /// </summary>
        internal Request(Connection connection, string line)
        {
            this.connection = connection;
            Method = "";
            Dictionary<string, object> parameters = new Dictionary<string, object>();
            JsonReader reader = new JsonReader(line);
            int changes = -1;
            bool enough = false;
            reader.Begin('{');
            for (bool first = true; !enough && reader.More(ref first, '}');)
            {
                string member = reader.ReadName();
                if (member == "id") id = reader.ReadValue();
                else if (member == "method") Method = reader.ReadValue() as string ?? "";
                else if (member != "params" || !reader.IsAt('{')) reader.ReadValue();
                else
                {
                    reader.Begin('{');
                    for (bool firstOfAll = true; !enough && reader.More(ref firstOfAll, '}');)
                    {
                        string name = reader.ReadName();
                        if (name == "changes")
                        {
                            changes = reader.Position;
                            enough = id != null && Method.Length > 0 && parameters.ContainsKey("session");
                        }
                        if (!enough) parameters[name] = name == "changes" ? reader.Skip() : reader.ReadValue();
                    }
                }
            }
            if (!enough) reader.ReadEnd();
            if (changes >= 0) reader.Position = changes;
            Changes = changes < 0 ? null : reader;
            Params = new Fields(parameters);
        }

        /// <summary>Stands before the changes of a batch, which have not been read.</summary>
        internal JsonReader Changes { get; private set; }

        internal string Method { get; private set; }

        internal Fields Params { get; private set; }

        internal object Id
        {
            get { return id; }
        }

        internal volatile bool Cancelled;

        /// <summary>Answers with what the function writes as the members of the result.</summary>
        internal void Answer(JsonWriter writer, Action<JsonWriter> result)
        {
            writer.Clear();
            Begin(writer);
            writer.Name("result").Open('{');
            result(writer);
            writer.Close('}').Close('}').Line();
            connection.Send(writer);
        }

        internal void Fail(Exception error)
        {
            if (id == null) return;
            JsonWriter writer = new JsonWriter();
            Begin(writer);
            writer.Name("error");
            Errors.Write(writer, error);
            writer.Close('}').Line();
            connection.Send(writer);
        }

        private void Begin(JsonWriter writer)
        {
            writer.Open('{').Field("jsonrpc", "2.0").Name("id");
            if (id is long) writer.Number((long)id);
            else writer.Text(id as string);
        }
    }
}
