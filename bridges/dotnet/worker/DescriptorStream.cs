using System;
using System.IO;
using System.Runtime.InteropServices;

namespace Landbridge.Worker
{
    /// <summary>A stream over a descriptor of Unix: Mono's own refuses descriptors that it did not open.</summary>
    internal sealed class DescriptorStream : Stream
    {
        private const int Interrupted = 4;
        private readonly int descriptor;

        internal DescriptorStream(int descriptor)
        {
            this.descriptor = descriptor;
        }

        public override bool CanRead
        {
            get { return true; }
        }

        public override bool CanWrite
        {
            get { return true; }
        }

        public override bool CanSeek
        {
            get { return false; }
        }

        public override long Length
        {
            get { throw new NotSupportedException(); }
        }

        public override long Position
        {
            get { throw new NotSupportedException(); }
            set { throw new NotSupportedException(); }
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            return Transfer(buffer, offset, count, (pointer, length) => read(descriptor, pointer, length));
        }

        public override void Write(byte[] buffer, int offset, int count)
        {
            while (count > 0)
            {
                int written = Transfer(buffer, offset, count, (pointer, length) => write(descriptor, pointer, length));
                offset += written;
                count -= written;
            }
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin)
        {
            throw new NotSupportedException();
        }

        public override void SetLength(long value)
        {
            throw new NotSupportedException();
        }

        private static int Transfer(byte[] buffer, int offset, int count, Func<IntPtr, UIntPtr, IntPtr> call)
        {
            GCHandle handle = GCHandle.Alloc(buffer, GCHandleType.Pinned);
            try
            {
                for (;;)
                {
                    long result = (long)call((IntPtr)((long)handle.AddrOfPinnedObject() + offset), (UIntPtr)(uint)count);
                    if (result >= 0) return (int)result;
                    int error = Marshal.GetLastWin32Error();
                    if (error != Interrupted) throw new IOException("the stream to the host failed with error " + error);
                }
            }
            finally
            {
                handle.Free();
            }
        }

        [DllImport("libc", SetLastError = true)]
        private static extern IntPtr read(int descriptor, IntPtr buffer, UIntPtr count);

        [DllImport("libc", SetLastError = true)]
        private static extern IntPtr write(int descriptor, IntPtr buffer, UIntPtr count);
    }
}
