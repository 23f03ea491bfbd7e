using System;
using System.Diagnostics;
using System.IO;
using System.Text;

namespace Landbridge.Worker
{
    /// <summary>Log lines to the host. What connectors print comes here too, cut and counted where it floods.</summary>
    internal sealed class Log
    {
        private const int LongestLine = 8 * 1024;
        private const int LinesPerSecond = 500;
        private readonly Connection connection;
        private readonly object gate = new object();
        private int second;
        private int lines;
        private long dropped;

        internal Log(Connection connection)
        {
            this.connection = connection;
        }

        internal void Write(string level, string message)
        {
            long missing;
            lock (gate)
            {
                int now = Environment.TickCount / 1000;
                if (now != second)
                {
                    second = now;
                    lines = 0;
                }
                if (++lines > LinesPerSecond)
                {
                    dropped++;
                    return;
                }
                missing = dropped;
                dropped = 0;
            }
            if (missing > 0) Send("warn", missing + " lines of the connector's output were dropped: more than " + LinesPerSecond + " a second");
            Send(level, message.Length <= LongestLine ? message : message.Substring(0, LongestLine) + "… (" + message.Length + " characters)");
        }

        private void Send(string level, string message)
        {
            connection.Notify("log", writer => writer.Field("level", level).Field("message", message));
        }

        /// <summary>Points Console and Trace here.</summary>
        internal void Redirect()
        {
            Console.SetOut(TextWriter.Synchronized(new LineWriter(this, "info")));
            Console.SetError(TextWriter.Synchronized(new LineWriter(this, "warn")));
            Console.SetIn(TextReader.Null);
            Trace.Listeners.Clear();
            Trace.Listeners.Add(new TextWriterTraceListener(TextWriter.Synchronized(new LineWriter(this, "debug"))));
            Trace.AutoFlush = true;
        }

        private sealed class LineWriter : TextWriter
        {
            private readonly Log log;
            private readonly string level;
            private readonly StringBuilder line = new StringBuilder();

            internal LineWriter(Log log, string level)
            {
                this.log = log;
                this.level = level;
            }

            public override Encoding Encoding
            {
                get { return Encoding.UTF8; }
            }

            public override void Write(char value)
            {
                if (value == '\n') End();
                else if (value != '\r' && line.Length <= LongestLine) line.Append(value);
            }

            public override void Write(string value)
            {
                if (value == null) return;
                foreach (char character in value) Write(character);
            }

            public override void Write(char[] buffer, int index, int count)
            {
                for (int end = index + count; index < end; index++) Write(buffer[index]);
            }

            private void End()
            {
                if (line.Length > 0) log.Write(level, line.ToString());
                line.Length = 0;
            }
        }
    }
}
