using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Worker
{
    /// <summary>One attribute of a record: its values, texts or bytes. Only LDIF says what is to be done with them.</summary>
    internal sealed class FileField
    {
        internal string Name;
        internal AttributeModificationType Modification = AttributeModificationType.Replace;
        internal List<object> Values = new List<object>();
    }

    /// <summary>One object of a file, or in LDIF one change of an object.</summary>
    internal sealed class FileRecord
    {
        internal int Line;
        internal string Dn;
        internal string NewDn;
        /// <summary>LDIF's own word; the other formats have an attribute for it.</summary>
        internal string ChangeType;
        internal List<FileField> Fields = new List<FileField>();

        internal FileField Add(string name, object value)
        {
            FileField field = Find(name);
            if (field == null)
            {
                field = new FileField { Name = name };
                Fields.Add(field);
            }
            field.Values.Add(value);
            return field;
        }

        internal FileField Find(string name)
        {
            foreach (FileField field in Fields)
                if (string.Equals(field.Name, name, StringComparison.OrdinalIgnoreCase)) return field;
            return null;
        }

        internal string First(string name)
        {
            FileField field = Find(name);
            return field == null || field.Values.Count == 0 ? null : field.Values[0] as string;
        }
    }

    /// <summary>Reads files record by record: nothing holds a whole file.</summary>
    internal static class FileReader
    {
        internal static IEnumerable<FileRecord> Read(TextReader reader, FileFormat format)
        {
            LineReader lines = new LineReader(reader, format);
            switch (format.Kind)
            {
                case FileKind.Delimited: return ReadDelimited(lines, format);
                case FileKind.FixedWidth: return ReadFixed(lines, format);
                case FileKind.Ldif: return ReadLdif(lines);
            }
            return ReadAvp(lines, format);
        }

        /// <summary>`name: value` in lines, records between empty ones; `name:: base64` for what is no plain line.</summary>
        private static IEnumerable<FileRecord> ReadAvp(LineReader lines, FileFormat format)
        {
            FileRecord record = null;
            for (string line = lines.Next(); line != null; line = lines.Next())
            {
                if (line.Length == 0)
                {
                    if (record != null) yield return record;
                    record = null;
                    continue;
                }
                if (line[0] == '#') continue;
                if (record == null) record = new FileRecord { Line = lines.Number };
                string name;
                object value = lines.NameAndValue(line, out name);
                if (string.Equals(name, format.DnColumn, StringComparison.OrdinalIgnoreCase)) record.Dn = value as string;
                if ((value as string) == "") AddEmpty(record, name);
                else record.Add(name, value);
            }
            if (record != null) yield return record;
        }

        private static void AddEmpty(FileRecord record, string name)
        {
            if (record.Find(name) == null) record.Fields.Add(new FileField { Name = name });
        }

        private static IEnumerable<FileRecord> ReadDelimited(LineReader lines, FileFormat format)
        {
            List<string> names = format.Columns.ConvertAll(column => column.Name);
            int line;
            if (format.Header)
            {
                List<string> header = lines.Row(out line);
                if (header == null) yield break;
                if (names.Count == 0) names = header.ConvertAll(name => name.Trim());
            }
            for (List<string> row = lines.Row(out line); row != null; row = lines.Row(out line))
            {
                if (row.Count == 1 && row[0].Length == 0) continue;
                if (row.Count > names.Count) throw lines.Wrong(line, "it has " + row.Count + " columns, and " + names.Count + " have a name: is the delimiter right, and are values with it in quotes?");
                yield return FromColumns(names, row, line, format);
            }
        }

        private static IEnumerable<FileRecord> ReadFixed(LineReader lines, FileFormat format)
        {
            List<string> names = format.Columns.ConvertAll(column => column.Name);
            if (format.Header) lines.Next();
            for (string line = lines.Next(); line != null; line = lines.Next())
            {
                if (line.Trim().Length == 0) continue;
                List<string> row = new List<string>();
                int start = 0;
                foreach (FileColumn column in format.Columns)
                {
                    int length = Math.Min(column.Width <= 0 ? line.Length : column.Width, Math.Max(0, line.Length - start));
                    row.Add(length <= 0 ? "" : line.Substring(start, length).Trim());
                    start += length;
                }
                yield return FromColumns(names, row, lines.Number, format);
            }
        }

        private static FileRecord FromColumns(List<string> names, List<string> row, int line, FileFormat format)
        {
            FileRecord record = new FileRecord { Line = line };
            for (int index = 0; index < names.Count; index++)
            {
                string value = index < row.Count ? row[index] : "";
                if (string.Equals(names[index], format.DnColumn, StringComparison.OrdinalIgnoreCase)) record.Dn = value.Length == 0 ? null : value;
                if (value.Length == 0) AddEmpty(record, names[index]);
                else record.Add(names[index], value);
            }
            return record;
        }

        /// <summary>RFC 2849: contents and changes, folded lines, comments, base64. Values by URL are refused: a file must not make the host fetch.</summary>
        private static IEnumerable<FileRecord> ReadLdif(LineReader lines)
        {
            for (string line = lines.Unfolded(); line != null; line = lines.Unfolded())
            {
                if (line.Length == 0) continue;
                string name;
                object value = lines.NameAndValue(line, out name);
                if (string.Equals(name, "version", StringComparison.OrdinalIgnoreCase)) continue;
                if (!string.Equals(name, "dn", StringComparison.OrdinalIgnoreCase)) throw lines.Wrong(lines.Number, "a record of LDIF begins with dn:, and this line with " + name + ":");
                FileRecord record = new FileRecord { Line = lines.Number, Dn = Text(lines, value) };
                ReadLdifRecord(lines, record);
                yield return record;
            }
        }

        private static void ReadLdifRecord(LineReader lines, FileRecord record)
        {
            string rdn = null;
            string superior = null;
            FileField change = null;
            for (string line = lines.Unfolded(); !string.IsNullOrEmpty(line); line = lines.Unfolded())
            {
                if (line == "-")
                {
                    change = null;
                    continue;
                }
                string name;
                object value = lines.NameAndValue(line, out name);
                string word = name.ToLowerInvariant();
                if (word == "changetype" && record.Fields.Count == 0) record.ChangeType = Text(lines, value).Trim().ToLowerInvariant();
                else if (word == "control" && record.Fields.Count == 0) continue;
                else if (record.ChangeType == "modify" && change == null)
                {
                    AttributeModificationType modification = word == "add" ? AttributeModificationType.Add : word == "delete" ? AttributeModificationType.Delete : word == "replace" ? AttributeModificationType.Replace : AttributeModificationType.Unconfigured;
                    if (modification == AttributeModificationType.Unconfigured) throw lines.Wrong(lines.Number, "a change of LDIF begins with add:, delete: or replace:, and this one with " + name + ":");
                    change = new FileField { Name = Text(lines, value).Trim(), Modification = modification };
                    record.Fields.Add(change);
                }
                else if (record.ChangeType == "modify") change.Values.Add(value);
                else if (record.ChangeType == "modrdn" || record.ChangeType == "moddn")
                {
                    if (word == "newrdn") rdn = Text(lines, value);
                    if (word == "newsuperior") superior = Text(lines, value);
                }
                else record.Add(name, value);
            }
            if (rdn == null) return;
            int comma = Comma(record.Dn);
            string parent = superior ?? (comma < 0 ? "" : record.Dn.Substring(comma + 1));
            record.NewDn = parent.Length == 0 ? rdn : rdn + "," + parent;
        }

        /// <summary>The comma after the first part of a name, escaped and quoted ones passed over.</summary>
        private static int Comma(string dn)
        {
            bool quoted = false;
            for (int index = 0; index < dn.Length; index++)
            {
                if (dn[index] == '\\') index++;
                else if (dn[index] == '"') quoted = !quoted;
                else if (dn[index] == ',' && !quoted) return index;
            }
            return -1;
        }

        internal static string Text(LineReader lines, object value)
        {
            string text = value as string;
            if (text != null) return text;
            try
            {
                return new UTF8Encoding(false, true).GetString((byte[])value);
            }
            catch (ArgumentException)
            {
                throw lines.Wrong(lines.Number, "the base64 text is not UTF-8");
            }
        }
    }

    /// <summary>Lines with their numbers, and the ways that formats make values of them.</summary>
    internal sealed class LineReader
    {
        private const int LongestValue = 64 * 1024 * 1024;
        private readonly TextReader reader;
        private readonly FileFormat format;
        private string ahead;
        private bool looked;

        internal LineReader(TextReader reader, FileFormat format)
        {
            this.reader = reader;
            this.format = format;
        }

        internal int Number { get; private set; }

        internal WorkerException Wrong(int line, string why)
        {
            return new WorkerException("invalid-data", "line " + line + " of the file that the connector wrote cannot be read: " + why);
        }

        internal string Next()
        {
            string line = Peek();
            looked = false;
            if (line != null) Number++;
            return line;
        }

        private string Peek()
        {
            if (looked) return ahead;
            try
            {
                ahead = reader.ReadLine();
            }
            catch (DecoderFallbackException)
            {
                throw Wrong(Number + 1, "it is not " + format.Encoding.WebName + ". Set file.encoding to what the connector writes");
            }
            looked = true;
            return ahead;
        }

        /// <summary>A line of LDIF: those that begin with a space belong to the one before; comments are passed over.</summary>
        internal string Unfolded()
        {
            string line = Next();
            if (line == null) return null;
            bool comment = line.StartsWith("#", StringComparison.Ordinal);
            if (line.Length > 0 && Folded())
            {
                StringBuilder whole = new StringBuilder(line);
                while (Folded())
                {
                    string part = Next();
                    whole.Append(part, 1, part.Length - 1);
                    if (whole.Length > LongestValue) throw Wrong(Number, "a value is longer than " + LongestValue + " characters");
                }
                line = whole.ToString();
            }
            return comment ? Unfolded() : line;
        }

        private bool Folded()
        {
            string next = Peek();
            return next != null && next.Length > 0 && next[0] == ' ';
        }

        internal object NameAndValue(string line, out string name)
        {
            int colon = line.IndexOf(':');
            if (colon <= 0) throw Wrong(Number, "it has no name before a colon");
            name = line.Substring(0, colon).Trim();
            if (colon + 1 < line.Length && line[colon + 1] == ':')
            {
                try
                {
                    return Convert.FromBase64String(line.Substring(colon + 2).Trim());
                }
                catch (FormatException)
                {
                    throw Wrong(Number, "the value of '" + name + "' is not base64");
                }
            }
            if (format.Kind == FileKind.Ldif && colon + 1 < line.Length && line[colon + 1] == '<') throw Wrong(Number, "the value of '" + name + "' is a URL, which this host does not fetch");
            string value = line.Substring(colon + 1);
            return format.Kind == FileKind.Ldif ? value.TrimStart(' ') : value.Trim();
        }

        /// <summary>A row of a delimited file; a value in quotes may hold the delimiter, the quote twice, and line ends. Null at the end.</summary>
        internal List<string> Row(out int line)
        {
            string text = Next();
            line = Number;
            if (text == null) return null;
            List<string> row = new List<string>();
            StringBuilder value = new StringBuilder();
            bool quoted = false;
            for (int index = 0; ; index++)
            {
                if (index >= text.Length)
                {
                    if (!quoted) break;
                    text = Next();
                    if (text == null) throw Wrong(line, "a value in quotes does not end");
                    value.Append('\n');
                    if (value.Length > LongestValue) throw Wrong(line, "a value is longer than " + LongestValue + " characters");
                    index = -1;
                    continue;
                }
                char character = text[index];
                bool quote = character == format.Qualifier && format.Qualifier != '\0';
                if (quoted && quote && index + 1 < text.Length && text[index + 1] == character) value.Append(text[index++]);
                else if (quote && (quoted || value.Length == 0)) quoted = !quoted;
                else if (!quoted && character == format.Delimiter)
                {
                    row.Add(value.ToString());
                    value.Length = 0;
                }
                else value.Append(character);
            }
            row.Add(value.ToString());
            return row;
        }
    }
}
