using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Landbridge.Worker
{
    /// <summary>
    /// A JSON value: Dictionary, List, string, bool, long, double or null. Or, for what comes by the thousand, it is read member by member:
    /// a tree that is thrown away at once costs more than all the rest.
    /// </summary>
    internal sealed class JsonReader
    {
        private const int DeepestNesting = 64;
        private readonly string text;
        private int position;
        private int depth;

        internal JsonReader(string text)
        {
            this.text = text;
        }

        /// <summary>Where the reader stands: it may be sent back to where it was.</summary>
        internal int Position
        {
            get { return position; }
            set { position = value; }
        }

        /// <summary>Enters an object or a list, whose members More then counts out.</summary>
        internal void Begin(char bracket)
        {
            SkipSpace();
            if (Peek() != bracket) throw Malformed();
            Enter();
        }

        /// <summary>Whether there is another member; leaves the object or the list after the last one.</summary>
        internal bool More(ref bool first, char end)
        {
            SkipSpace();
            char next = Peek();
            if (next == end)
            {
                position++;
                depth--;
                return false;
            }
            if (!first)
            {
                if (next != ',') throw Malformed();
                position++;
            }
            first = false;
            return true;
        }

        /// <summary>The name of a member, with its colon.</summary>
        internal string ReadName()
        {
            SkipSpace();
            if (Peek() != '"') throw Malformed();
            string name = ReadString();
            SkipSpace();
            if (Peek() != ':') throw Malformed();
            position++;
            return name;
        }

        internal bool IsAt(char bracket)
        {
            SkipSpace();
            return Peek() == bracket;
        }

        internal object Skip()
        {
            ReadValue();
            return null;
        }

        /// <summary>Reads the name of a member; the one that is expected is not made anew.</summary>
        internal string ReadName(string expected)
        {
            int start = position;
            if (TakeText(expected) && position < text.Length && text[position] == ':')
            {
                position++;
                return expected;
            }
            position = start;
            return ReadName();
        }

        /// <summary>Reads a text that is probably the expected one, which is without quotes and backslashes. Null where there is no text.</summary>
        internal string ReadText(string expected)
        {
            return expected != null && TakeText(expected) ? expected : ReadValue() as string;
        }

        private bool TakeText(string expected)
        {
            SkipSpace();
            int end = position + expected.Length + 1;
            if (end >= text.Length || text[position] != '"' || text[end] != '"' || string.CompareOrdinal(text, position + 1, expected, 0, expected.Length) != 0) return false;
            position = end + 1;
            return true;
        }

        internal void ReadEnd()
        {
            SkipSpace();
            if (position != text.Length) throw Malformed();
        }

        internal static object Parse(string text)
        {
            JsonReader reader = new JsonReader(text);
            object value = reader.ReadValue();
            reader.ReadEnd();
            return value;
        }

        internal object ReadValue()
        {
            SkipSpace();
            if (position >= text.Length) throw Malformed();
            char character = text[position];
            if (character == '"') return ReadString();
            if (character == '{') return ReadObject();
            if (character == '[') return ReadArray();
            if (character == '-' || (character >= '0' && character <= '9')) return ReadNumber();
            if (Take("true")) return true;
            if (Take("false")) return false;
            if (Take("null")) return null;
            throw Malformed();
        }

        private Dictionary<string, object> ReadObject()
        {
            Begin('{');
            Dictionary<string, object> result = new Dictionary<string, object>();
            for (bool first = true; More(ref first, '}');)
            {
                string name = ReadName();
                result[name] = ReadValue();
            }
            return result;
        }

        private List<object> ReadArray()
        {
            Begin('[');
            List<object> result = new List<object>();
            for (bool first = true; More(ref first, ']');) result.Add(ReadValue());
            return result;
        }

        private string ReadString()
        {
            int start = ++position;
            // On copies: a field that every character reads and writes costs more than the character.
            string all = text;
            int at = start;
            while (at < all.Length && all[at] != '"' && all[at] != '\\') at++;
            position = at;
            if (at >= all.Length) throw Malformed();
            if (all[at] == '"')
            {
                position++;
                return all.Substring(start, at - start);
            }
            StringBuilder builder = new StringBuilder(text, start, position - start, Math.Max(64, 2 * (position - start)));
            for (;;)
            {
                if (position >= text.Length) throw Malformed();
                char character = text[position++];
                if (character == '"') return builder.ToString();
                builder.Append(character == '\\' ? ReadEscape() : character);
            }
        }

        private char ReadEscape()
        {
            if (position >= text.Length) throw Malformed();
            char character = text[position++];
            switch (character)
            {
                case 'n': return '\n';
                case 't': return '\t';
                case 'r': return '\r';
                case 'b': return '\b';
                case 'f': return '\f';
                case '"':
                case '\\':
                case '/': return character;
                case 'u':
                    ushort code;
                    if (position + 4 > text.Length || !ushort.TryParse(text.Substring(position, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out code)) throw Malformed();
                    position += 4;
                    return (char)code;
            }
            throw Malformed();
        }

        private object ReadNumber()
        {
            int start = position++;
            bool whole = true;
            for (; position < text.Length; position++)
            {
                char character = text[position];
                if (character == '.' || character == 'e' || character == 'E' || character == '+' || character == '-') whole = false;
                else if (character < '0' || character > '9') break;
            }
            string number = text.Substring(start, position - start);
            long integer;
            if (whole && long.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out integer)) return integer;
            double real;
            if (!double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out real)) throw Malformed();
            return real;
        }

        private bool Take(string word)
        {
            if (string.CompareOrdinal(text, position, word, 0, word.Length) != 0) return false;
            position += word.Length;
            return true;
        }

        private char Peek()
        {
            if (position >= text.Length) throw Malformed();
            return text[position];
        }

        private void SkipSpace()
        {
            if (position < text.Length && text[position] > ' ') return;
            while (position < text.Length && (text[position] == ' ' || text[position] == '\t' || text[position] == '\r' || text[position] == '\n')) position++;
        }

        private void Enter()
        {
            position++;
            if (++depth > DeepestNesting) throw Malformed();
        }

        private Exception Malformed()
        {
            return new FormatException("malformed JSON at character " + position);
        }
    }

    /// <summary>Reading parsed JSON without casts everywhere.</summary>
    internal sealed class Fields
    {
        private readonly Dictionary<string, object> map;

        internal Fields(object value)
        {
            map = value as Dictionary<string, object> ?? new Dictionary<string, object>();
        }

        internal IEnumerable<KeyValuePair<string, object>> All
        {
            get { return map; }
        }

        /// <summary>Equal for equal members in equal order; of nested values only what is plain counts.</summary>
        internal string Key()
        {
            StringBuilder key = new StringBuilder();
            foreach (KeyValuePair<string, object> one in map) key.Append(one.Key.Length).Append(':').Append(one.Key).Append('=').Append(one.Value).Append('\n');
            return key.ToString();
        }

        internal object Get(string name)
        {
            object value;
            return map.TryGetValue(name, out value) ? value : null;
        }

        internal bool Has(string name)
        {
            return Get(name) != null;
        }

        internal string Text(string name)
        {
            return Get(name) as string;
        }

        internal string Required(string name)
        {
            string value = Text(name);
            if (value == null) throw new ProtocolException("the request lacks '" + name + "'");
            return value;
        }

        internal bool Flag(string name)
        {
            object value = Get(name);
            return value is bool && (bool)value;
        }

        internal int Number(string name, int otherwise)
        {
            object value = Get(name);
            return value is long ? (int)Math.Min(int.MaxValue, (long)value) : otherwise;
        }

        internal List<object> List(string name)
        {
            return Get(name) as List<object> ?? new List<object>();
        }

        internal Fields Object(string name)
        {
            return new Fields(Get(name));
        }
    }

    /// <summary>The host sent something that the protocol does not have.</summary>
    internal sealed class ProtocolException : Exception
    {
        internal ProtocolException(string message) : base(message)
        {
        }
    }
}
