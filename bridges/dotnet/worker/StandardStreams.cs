using System;
using System.IO;
using System.Runtime.InteropServices;

namespace Landbridge.Worker
{
    /// <summary>
    /// Takes standard input and output for the protocol before a connector can touch them: descriptors 0 and 1 become the null
    /// device and standard error, so that what native code or a child process prints lands in the log as well.
    /// </summary>
    internal static class StandardStreams
    {
        private const int DuplicateCloseOnExec = 1030;

        internal static bool IsUnix
        {
            get { return Path.DirectorySeparatorChar == '/'; }
        }

        internal static void Take(out Stream input, out Stream output)
        {
            if (!IsUnix)
            {
                // The handles stay ours; Console is pointed elsewhere below.
                input = Console.OpenStandardInput();
                output = Console.OpenStandardOutput();
                return;
            }
            int reading = fcntl(0, DuplicateCloseOnExec, 3);
            int writing = fcntl(1, DuplicateCloseOnExec, 3);
            int nothing = open("/dev/null", 0);
            if (reading < 0 || writing < 0 || nothing < 0 || dup2(nothing, 0) < 0 || dup2(2, 1) < 0) throw new IOException("the standard streams cannot be taken");
            close(nothing);
            input = new DescriptorStream(reading);
            output = new DescriptorStream(writing);
        }

        /// <summary>Ends the process at once, whatever its threads are doing: Environment.Exit waits for finalizers.</summary>
        internal static void Die()
        {
            System.Diagnostics.Process.GetCurrentProcess().Kill();
        }

        [DllImport("libc")]
        private static extern int fcntl(int descriptor, int command, int argument);

        [DllImport("libc")]
        private static extern int open(string path, int flags);

        [DllImport("libc")]
        private static extern int dup2(int from, int to);

        [DllImport("libc")]
        private static extern int close(int descriptor);
    }
}
