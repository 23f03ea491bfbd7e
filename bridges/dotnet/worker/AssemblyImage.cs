using System;
using System.IO;

namespace Landbridge.Worker
{
    /// <summary>What the headers of a DLL say before anything of it is loaded (ECMA-335 II.25).</summary>
    internal sealed class AssemblyImage
    {
        private const int I386 = 0x14c;
        private const int Amd64 = 0x8664;
        private const int Arm64 = 0xaa64;
        private const uint IlOnly = 1;
        private const uint Requires32Bit = 2;
        private const uint Prefers32Bit = 0x20000;

        internal bool IsExecutable { get; private set; }

        internal bool IsManaged { get; private set; }

        internal bool HasNativeCode { get; private set; }

        internal bool Needs32Bit { get; private set; }

        internal string Machine { get; private set; }

        internal static AssemblyImage Read(string file)
        {
            AssemblyImage image = new AssemblyImage();
            using (BinaryReader reader = new BinaryReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete)))
            {
                try
                {
                    image.Parse(reader);
                }
                catch (EndOfStreamException)
                {
                    // Cut short: what was read up to there is the answer.
                }
            }
            return image;
        }

        private void Parse(BinaryReader reader)
        {
            if (reader.ReadUInt16() != 0x5a4d) return;
            reader.BaseStream.Position = 0x3c;
            uint header = reader.ReadUInt32();
            reader.BaseStream.Position = header;
            if (reader.ReadUInt32() != 0x4550) return;
            IsExecutable = true;
            int machine = reader.ReadUInt16();
            Machine = machine == I386 ? "x86 (32 bits)" : machine == Amd64 ? "x64" : machine == Arm64 ? "ARM64" : "0x" + machine.ToString("x");
            int sections = reader.ReadUInt16();
            reader.BaseStream.Position = header + 20;
            int optionalSize = reader.ReadUInt16();
            long optional = header + 24;
            reader.BaseStream.Position = optional;
            bool wide = reader.ReadUInt16() == 0x20b;
            long directories = optional + (wide ? 112 : 96);
            reader.BaseStream.Position = directories + 14 * 8;
            uint cli = reader.ReadUInt32();
            if (cli == 0) return;
            IsManaged = true;
            long offset = OffsetOf(reader, cli, optional + optionalSize, sections);
            reader.BaseStream.Position = offset + 16;
            uint flags = reader.ReadUInt32();
            HasNativeCode = (flags & IlOnly) == 0;
            Needs32Bit = (flags & Requires32Bit) != 0 && (flags & Prefers32Bit) == 0;
        }

        private static long OffsetOf(BinaryReader reader, uint address, long table, int sections)
        {
            for (int index = 0; index < sections; index++)
            {
                reader.BaseStream.Position = table + 40 * index + 8;
                uint size = reader.ReadUInt32();
                uint start = reader.ReadUInt32();
                uint rawSize = reader.ReadUInt32();
                uint raw = reader.ReadUInt32();
                if (address >= start && address < start + Math.Max(size, rawSize)) return raw + (address - start);
            }
            throw new EndOfStreamException();
        }
    }
}
