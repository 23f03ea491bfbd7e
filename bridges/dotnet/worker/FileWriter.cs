using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using Microsoft.MetadirectoryServices;
using Microsoft.MetadirectoryServices.DetachedObjectModel;

namespace Landbridge.Worker
{
    /// <summary>Writes the changes of an export as the file that a connector reads.</summary>
    internal sealed class FileWriter
    {
        private const int FoldedLine = 76;
        private readonly FileFormat format;
        private readonly ChangeWords words;
        private readonly string typeColumn;
        private readonly List<string> columns;

        /// <summary>Without configured columns a delimited file has those of the schema.</summary>
        internal FileWriter(FileFormat format, Schema declared, Schema selected)
        {
            this.format = format;
            words = format.ChangeType(declared);
            typeColumn = format.TypeColumn(declared);
            columns = format.Columns.ConvertAll(column => column.Name);
            if (columns.Count > 0) return;
            columns.AddRange(new[] { words.Attribute, typeColumn, format.DnColumn });
            foreach (SchemaType type in selected.Types)
                foreach (SchemaAttribute attribute in type.Attributes)
                    if (!columns.Contains(attribute.Name)) columns.Add(attribute.Name);
        }

        internal void Begin(TextWriter file)
        {
            if (format.Kind == FileKind.Ldif) file.Write("version: 1\n\n");
            if (!format.Header) return;
            if (format.Kind == FileKind.Delimited) file.Write(string.Join(format.Delimiter.ToString(), columns.ConvertAll(Quote)) + "\r\n");
            else if (format.Kind == FileKind.FixedWidth) file.Write(Fixed(columns) + "\r\n");
        }

        /// <exception cref="WorkerException">What the format has no way to say, before anything is written.</exception>
        internal string Format(CSEntryChange change)
        {
            StringBuilder text = new StringBuilder();
            if (format.Kind == FileKind.Ldif) FormatLdif(text, change);
            else if (format.Kind == FileKind.Avp) FormatAvp(text, change);
            else
            {
                List<string> row = Row(change);
                text.Append(format.Kind == FileKind.FixedWidth ? Fixed(row) : string.Join(format.Delimiter.ToString(), row.ConvertAll(Quote))).Append("\r\n");
            }
            return text.ToString();
        }

        private void FormatAvp(StringBuilder text, CSEntryChange change)
        {
            Line(text, words.Attribute, words.Write(change.ObjectModificationType), false);
            Line(text, typeColumn, change.ObjectType, false);
            if (!string.IsNullOrEmpty(change.DN)) Line(text, format.DnColumn, change.DN, false);
            foreach (FileField field in FieldsOf(change))
            {
                if (field.Values.Count == 0) text.Append(field.Name).Append(":\n");
                foreach (object value in field.Values) Line(text, field.Name, value, false);
            }
            text.Append('\n');
        }

        private List<string> Row(CSEntryChange change)
        {
            List<FileField> fields = FieldsOf(change);
            foreach (FileField field in fields)
                if (!Contains(field.Name)) throw Impossible(field.Name, "the file has no column for it: add it to file.columns");
            return columns.ConvertAll(column =>
            {
                if (Same(column, words.Attribute)) return words.Write(change.ObjectModificationType);
                if (Same(column, typeColumn)) return change.ObjectType;
                if (Same(column, format.DnColumn) && !string.IsNullOrEmpty(change.DN)) return change.DN;
                FileField field = fields.Find(one => Same(one.Name, column));
                if (field == null) return "";
                List<string> values = field.Values.ConvertAll(Plain);
                if (values.Count > 1 || IsMany(change, field))
                    foreach (string value in values)
                        if (value.Contains(format.ValueSeparator)) throw Impossible(column, "one of its values has '" + format.ValueSeparator + "' in it, which stands between values: choose another file.valueSeparator");
                return string.Join(format.ValueSeparator, values);
            });
        }

        private static bool IsMany(CSEntryChange change, FileField field)
        {
            return change.AttributeChanges.Contains(field.Name) && change.AttributeChanges[field.Name].IsMultiValued;
        }

        /// <summary>Anchors first; then whole new values: what has none is empty.</summary>
        private static List<FileField> FieldsOf(CSEntryChange change)
        {
            List<FileField> fields = new List<FileField>();
            foreach (AnchorAttribute anchor in change.AnchorAttributes) fields.Add(new FileField { Name = anchor.Name, Values = new List<object> { anchor.Value } });
            foreach (AttributeChange one in change.AttributeChanges)
            {
                if (change.AnchorAttributes.Contains(one.Name)) continue;
                FileField field = new FileField { Name = one.Name, Modification = one.ModificationType };
                foreach (ValueChange value in one.ValueChanges)
                    if (value.ModificationType != ValueModificationType.Delete) field.Values.Add(value.Value);
                fields.Add(field);
            }
            return fields;
        }

        private void FormatLdif(StringBuilder text, CSEntryChange change)
        {
            string newDn = null;
            List<AttributeChange> changes = new List<AttributeChange>();
            foreach (AttributeChange one in change.AttributeChanges)
            {
                if (one.Name != DetachedUtils.DNAttributeName) changes.Add(one);
                else
                    foreach (ValueChange value in one.ValueChanges)
                        if (value.ModificationType == ValueModificationType.Add) newDn = value.Value as string;
            }
            Line(text, "dn", change.DN ?? "", true);
            switch (change.ObjectModificationType)
            {
                case ObjectModificationType.Delete:
                    text.Append("changetype: delete\n\n");
                    return;
                case ObjectModificationType.Add:
                    text.Append("changetype: add\n");
                    if (!Has(changes, typeColumn)) Line(text, typeColumn, change.ObjectType, true);
                    foreach (FileField field in FieldsOf(change))
                        foreach (object value in field.Values) Line(text, field.Name, value, true);
                    text.Append('\n');
                    return;
            }
            if (newDn != null)
            {
                string[] parts = DetachedUtils.SplitDN(newDn);
                text.Append("changetype: modrdn\n");
                Line(text, "newrdn", parts[0], true);
                text.Append("deleteoldrdn: 1\n");
                Line(text, "newsuperior", string.Join(",", parts, 1, parts.Length - 1), true);
                text.Append('\n');
                if (changes.Count == 0) return;
                Line(text, "dn", newDn, true);
            }
            text.Append("changetype: modify\n");
            foreach (AttributeChange one in changes) FormatLdifChange(text, one);
            text.Append('\n');
        }

        private static void FormatLdifChange(StringBuilder text, AttributeChange change)
        {
            if (change.ModificationType != AttributeModificationType.Update)
            {
                string word = change.ModificationType == AttributeModificationType.Delete ? "delete" : change.ModificationType == AttributeModificationType.Add ? "add" : "replace";
                FormatLdifPart(text, word, change, change.ModificationType == AttributeModificationType.Delete ? ValueModificationType.Unconfigured : ValueModificationType.Add);
                return;
            }
            foreach (ValueModificationType part in new[] { ValueModificationType.Delete, ValueModificationType.Add })
                foreach (ValueChange value in change.ValueChanges)
                    if (value.ModificationType == part)
                    {
                        FormatLdifPart(text, part == ValueModificationType.Add ? "add" : "delete", change, part);
                        break;
                    }
        }

        private static void FormatLdifPart(StringBuilder text, string word, AttributeChange change, ValueModificationType part)
        {
            text.Append(word).Append(": ").Append(change.Name).Append('\n');
            foreach (ValueChange value in change.ValueChanges)
                if (value.ModificationType == part) Line(text, change.Name, value.Value, true);
            text.Append("-\n");
        }

        private static bool Has(List<AttributeChange> changes, string name)
        {
            return changes.Exists(one => Same(one.Name, name));
        }

        private bool Contains(string name)
        {
            return columns.Exists(column => Same(column, name));
        }

        private static bool Same(string left, string right)
        {
            return string.Equals(left, right, StringComparison.OrdinalIgnoreCase);
        }

        /// <summary>`name: value`, or `name:: base64` for what would not come back as it is.</summary>
        private static void Line(StringBuilder text, string name, object value, bool fold)
        {
            byte[] bytes = value as byte[];
            string plain = Plain(value);
            if (bytes == null && !IsSafe(plain, fold)) bytes = Encoding.UTF8.GetBytes(plain);
            string line = bytes == null ? name + ": " + plain : name + ":: " + Convert.ToBase64String(bytes);
            if (!fold || line.Length <= FoldedLine)
            {
                text.Append(line).Append('\n');
                return;
            }
            text.Append(line, 0, FoldedLine).Append('\n');
            for (int start = FoldedLine; start < line.Length; start += FoldedLine - 1) text.Append(' ').Append(line, start, Math.Min(FoldedLine - 1, line.Length - start)).Append('\n');
        }

        private static bool IsSafe(string text, bool ascii)
        {
            if (text.Length > 0 && (text[0] == ' ' || text[0] == ':' || text[0] == '<' || text[text.Length - 1] == ' ')) return false;
            foreach (char character in text)
                if (character == '\n' || character == '\r' || character == '\0' || (ascii && character > 126)) return false;
            return true;
        }

        private static string Plain(object value)
        {
            byte[] bytes = value as byte[];
            if (bytes != null) return Convert.ToBase64String(bytes);
            if (value is bool) return (bool)value ? "true" : "false";
            return Convert.ToString(value, CultureInfo.InvariantCulture);
        }

        private string Quote(string value)
        {
            bool needed = value.IndexOf(format.Delimiter) >= 0 || value.IndexOf('\n') >= 0 || value.IndexOf('\r') >= 0 || (format.Qualifier != '\0' && value.IndexOf(format.Qualifier) >= 0);
            if (!needed) return value;
            if (format.Qualifier == '\0') throw Impossible(null, "a value has the delimiter or a line end in it, and there is no file.qualifier");
            string quote = format.Qualifier.ToString();
            return quote + value.Replace(quote, quote + quote) + quote;
        }

        private string Fixed(List<string> row)
        {
            StringBuilder line = new StringBuilder();
            for (int index = 0; index < row.Count; index++)
            {
                int width = format.Columns[index].Width;
                string value = row[index];
                if (value.IndexOf('\n') >= 0 || value.IndexOf('\r') >= 0) throw Impossible(columns[index], "it has a line end in it");
                if (width > 0 && value.Length > width) throw Impossible(columns[index], "it is longer than the " + width + " characters of its column");
                line.Append(width > 0 ? value.PadRight(width) : value);
            }
            return line.ToString().TrimEnd();
        }

        private static WorkerException Impossible(string attribute, string why)
        {
            return new WorkerException("invalid-attribute-value", (attribute == null ? "the entry" : "the attribute '" + attribute + "'") + " cannot be written to the export file: " + why);
        }
    }
}
