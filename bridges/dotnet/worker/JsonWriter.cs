using System;
using System.Globalization;
using System.Text;

namespace Landbridge.Worker
{
    /// <summary>Writes JSON as UTF-8 into a buffer that is used again: entries by the ten thousand pass through here.</summary>
    internal sealed class JsonWriter
    {
        private static readonly byte[] True = Encoding.ASCII.GetBytes("true");
        private static readonly byte[] False = Encoding.ASCII.GetBytes("false");
        private static readonly byte[] Null = Encoding.ASCII.GetBytes("null");
        private static readonly char[] Hex = "0123456789abcdef".ToCharArray();
        private byte[] buffer = new byte[64 * 1024];
        private int length;
        private bool first = true;

        internal byte[] Buffer
        {
            get { return buffer; }
        }

        internal int Length
        {
            get { return length; }
        }

        internal void Clear()
        {
            // A buffer that one giant value made large is not kept.
            if (buffer.Length > 16 * 1024 * 1024) buffer = new byte[64 * 1024];
            length = 0;
            first = true;
        }

        internal JsonWriter Open(char bracket)
        {
            Separate();
            Put((byte)bracket);
            first = true;
            return this;
        }

        internal JsonWriter Close(char bracket)
        {
            Put((byte)bracket);
            first = false;
            return this;
        }

        internal JsonWriter Name(string name)
        {
            Separate();
            Quote(name);
            Put((byte)':');
            first = true;
            return this;
        }

        /// <summary>The UTF-8 of a name with its quotes and colon, to be written again and again.</summary>
        internal static byte[] EncodeName(string name)
        {
            JsonWriter writer = new JsonWriter();
            writer.Name(name);
            byte[] encoded = new byte[writer.length];
            Array.Copy(writer.buffer, encoded, encoded.Length);
            return encoded;
        }

        internal JsonWriter Name(byte[] encoded)
        {
            Separate();
            Append(encoded);
            first = true;
            return this;
        }

        internal void Text(string value)
        {
            Separate();
            if (value == null) Append(Null);
            else Quote(value);
            first = false;
        }

        internal void Flag(bool value)
        {
            Separate();
            Append(value ? True : False);
            first = false;
        }

        internal void Number(long value)
        {
            Separate();
            Digits(value);
            first = false;
        }

        /// <summary>64-bit integers travel as text: JSON numbers lose them beyond 2^53.</summary>
        internal void Integer(long value)
        {
            Separate();
            Put((byte)'"');
            Digits(value);
            Put((byte)'"');
            first = false;
        }

        internal void Bytes(byte[] value)
        {
            Open('{');
            Name("$b").Text(Convert.ToBase64String(value));
            Close('}');
        }

        internal JsonWriter Field(string name, string value)
        {
            if (value != null) Name(name).Text(value);
            return this;
        }

        internal JsonWriter Field(string name, bool value)
        {
            Name(name).Flag(value);
            return this;
        }

        internal JsonWriter Field(string name, long value)
        {
            Name(name).Number(value);
            return this;
        }

        internal void Line()
        {
            Put((byte)'\n');
        }

        private void Separate()
        {
            if (first) first = false;
            else Put((byte)',');
        }

        private void Digits(long value)
        {
            if (value < 0)
            {
                string text = value.ToString(CultureInfo.InvariantCulture);
                Reserve(text.Length);
                foreach (char digit in text) buffer[length++] = (byte)digit;
                return;
            }
            Reserve(20);
            int start = length;
            do
            {
                buffer[length++] = (byte)('0' + value % 10);
                value /= 10;
            }
            while (value > 0);
            Array.Reverse(buffer, start, length - start);
        }

        private void Quote(string value)
        {
            Reserve(6 * value.Length + 2);
            byte[] target = buffer;
            int at = length;
            target[at++] = (byte)'"';
            for (int index = 0; index < value.Length; index++)
            {
                char character = value[index];
                if (character < 0x80)
                {
                    if (character >= ' ' && character != '"' && character != '\\') target[at++] = (byte)character;
                    else at = Escape(target, at, character);
                }
                else if (character < 0x800)
                {
                    target[at++] = (byte)(0xc0 | character >> 6);
                    target[at++] = (byte)(0x80 | (character & 0x3f));
                }
                else if (character >= 0xd800 && character < 0xe000)
                {
                    if (char.IsHighSurrogate(character) && index + 1 < value.Length && char.IsLowSurrogate(value[index + 1]))
                    {
                        int code = char.ConvertToUtf32(character, value[++index]);
                        target[at++] = (byte)(0xf0 | code >> 18);
                        target[at++] = (byte)(0x80 | (code >> 12 & 0x3f));
                        target[at++] = (byte)(0x80 | (code >> 6 & 0x3f));
                        target[at++] = (byte)(0x80 | (code & 0x3f));
                    }
                    else at = EscapeCode(target, at, character);
                }
                else
                {
                    target[at++] = (byte)(0xe0 | character >> 12);
                    target[at++] = (byte)(0x80 | (character >> 6 & 0x3f));
                    target[at++] = (byte)(0x80 | (character & 0x3f));
                }
            }
            target[at++] = (byte)'"';
            length = at;
        }

        private static int Escape(byte[] target, int at, char character)
        {
            int simple = "\"\\\n\r\t".IndexOf(character);
            if (simple < 0) return EscapeCode(target, at, character);
            target[at++] = (byte)'\\';
            target[at++] = (byte)"\"\\nrt"[simple];
            return at;
        }

        private static int EscapeCode(byte[] target, int at, char character)
        {
            target[at++] = (byte)'\\';
            target[at++] = (byte)'u';
            for (int shift = 12; shift >= 0; shift -= 4) target[at++] = (byte)Hex[character >> shift & 15];
            return at;
        }

        private void Append(byte[] bytes)
        {
            Reserve(bytes.Length);
            System.Buffer.BlockCopy(bytes, 0, buffer, length, bytes.Length);
            length += bytes.Length;
        }

        private void Put(byte value)
        {
            if (length == buffer.Length) Reserve(1);
            buffer[length++] = value;
        }

        private void Reserve(int more)
        {
            if (length + more <= buffer.Length) return;
            Array.Resize(ref buffer, Math.Max(checked(buffer.Length * 2), checked(length + more)));
        }
    }
}
