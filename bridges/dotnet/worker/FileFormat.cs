using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Reflection;
using System.Text;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Worker
{
    internal enum FileKind
    {
        Avp,
        Delimited,
        FixedWidth,
        Ldif,
    }

    /// <summary>
    /// How the files of a file-based connector are written (IMAExtensible2FileImport, IMAExtensible2FileExport). In the old engine this
    /// was asked by its designer, not by the connector; here it is the parameter `file`.
    /// </summary>
    internal sealed class FileFormat
    {
        internal const string DefaultChangeAttribute = "changetype";
        private readonly Fields settings;

        internal FileFormat(Fields settings)
        {
            this.settings = settings;
            Kind = KindOf(settings.Text("format") ?? "avp");
            Encoding = EncodingOf(settings.Text("encoding") ?? "utf-8");
            Delimiter = OneOf("delimiter", ',');
            Qualifier = OneOf("qualifier", '"');
            ValueSeparator = settings.Text("valueSeparator") ?? ";";
            DnColumn = settings.Text("dn") ?? "dn";
            Columns = new List<FileColumn>();
            foreach (object item in settings.List("columns")) Columns.Add(ColumnOf(item));
            Header = settings.Has("header") ? settings.Flag("header") : Kind == FileKind.Delimited && Columns.Count == 0;
            if (Kind == FileKind.FixedWidth && Columns.Count == 0) throw Wrong("columns", "a fixed-width file needs its columns, such as [{ name: id, width: 10 }]");
            if (Kind == FileKind.Delimited && Columns.Count == 0 && !Header) throw Wrong("columns", "a delimited file without a header line needs the names of its columns");
        }

        internal FileKind Kind { get; private set; }

        internal Encoding Encoding { get; private set; }

        internal char Delimiter { get; private set; }

        internal char Qualifier { get; private set; }

        /// <summary>Between the values of one column.</summary>
        internal string ValueSeparator { get; private set; }

        internal string DnColumn { get; private set; }

        internal List<FileColumn> Columns { get; private set; }

        /// <summary>The first line names the columns.</summary>
        internal bool Header { get; private set; }

        /// <summary>What says the type of an object: the configuration, else the connector's schema.</summary>
        internal string TypeColumn(Schema declared)
        {
            return settings.Text("objectType") ?? (declared == null ? null : declared.ObjectTypeAttributeName) ?? "objectClass";
        }

        /// <summary>What says what happened to an object: the configuration, else the connector's schema, else the words of LDIF.</summary>
        internal ChangeWords ChangeType(Schema declared)
        {
            Fields own = settings.Object("changeType");
            ChangeTypeDescription theirs = declared == null ? null : declared.ChangeType;
            return new ChangeWords
            {
                Attribute = own.Text("attribute") ?? (theirs == null ? null : theirs.AttributeName) ?? DefaultChangeAttribute,
                Add = own.Text("add") ?? (theirs == null ? null : theirs.Add) ?? "add",
                Modify = own.Text("modify") ?? (theirs == null ? null : theirs.Modify) ?? "modify",
                Delete = own.Text("delete") ?? (theirs == null ? null : theirs.Delete) ?? "delete",
            };
        }

        /// <summary>The schema of connectors that have no GetSchema: the old engine took it from a sample file and its designer.</summary>
        internal Schema DeclaredSchema()
        {
            Schema schema = Schema.Create();
            foreach (KeyValuePair<string, object> one in settings.Object("objectTypes").All)
            {
                Fields declared = new Fields(one.Value);
                SchemaType type = SchemaType.Create(one.Key, false);
                List<object> anchors = declared.List("anchor");
                foreach (KeyValuePair<string, object> attribute in declared.Object("attributes").All)
                    type.Attributes.Add(AttributeOf(one.Key, attribute.Key, attribute.Value as string ?? "", anchors.Contains(attribute.Key)));
                foreach (object anchor in anchors)
                    if (!type.Attributes.Contains((string)anchor)) type.Attributes.Add(SchemaAttribute.CreateAnchorAttribute((string)anchor, AttributeType.String));
                schema.Types.Add(type);
            }
            return schema.Types.Count == 0 ? null : schema;
        }

        private static SchemaAttribute AttributeOf(string type, string name, string text, bool anchor)
        {
            bool many = text.EndsWith("[]", StringComparison.Ordinal);
            AttributeType kind;
            if (!Enum.TryParse(many ? text.Substring(0, text.Length - 2) : text, true, out kind) || kind == AttributeType.Undefined)
                throw Wrong("objectTypes", "the attribute '" + name + "' of '" + type + "' has the type '" + text + "'; there are string, integer, reference, binary, boolean, each with [] for many values");
            if (anchor) return SchemaAttribute.CreateAnchorAttribute(name, kind);
            return many ? SchemaAttribute.CreateMultiValuedAttribute(name, kind) : SchemaAttribute.CreateSingleValuedAttribute(name, kind);
        }

        private static FileKind KindOf(string name)
        {
            switch (name)
            {
                case "avp": return FileKind.Avp;
                case "delimited": return FileKind.Delimited;
                case "fixed-width": return FileKind.FixedWidth;
                case "ldif": return FileKind.Ldif;
            }
            throw Wrong("format", "there is no file format '" + name + "'; there are avp, delimited, fixed-width, ldif");
        }

        /// <summary>A byte that is no text of the encoding is an error: what is read wrongly would be provisioned wrongly.</summary>
        private static Encoding EncodingOf(string name)
        {
            try
            {
                return Encoding.GetEncoding(name, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback);
            }
            catch (ArgumentException)
            {
                throw Wrong("encoding", "there is no encoding '" + name + "' here; such as utf-8, utf-16, windows-1252" + (Advice.OnMono ? ". More come with the Debian package libmono-i18n4.0-all" : ""));
            }
        }

        private char OneOf(string name, char otherwise)
        {
            string text = settings.Text(name);
            if (text == null) return otherwise;
            if (text == "tab" || text == "\\t") return '\t';
            if (text == "none") return '\0';
            if (text.Length != 1) throw Wrong(name, "it must be one character, tab, or none");
            return text[0];
        }

        private static FileColumn ColumnOf(object item)
        {
            Fields column = new Fields(item);
            string name = item as string ?? column.Text("name");
            if (string.IsNullOrEmpty(name)) throw Wrong("columns", "a column has no name");
            return new FileColumn { Name = name, Width = column.Number("width", 0) };
        }

        private static WorkerException Wrong(string name, string why)
        {
            return new WorkerException("invalid-configuration", "file." + name + ": " + why);
        }
    }

    internal struct FileColumn
    {
        internal string Name;
        internal int Width;
    }

    internal sealed class ChangeWords
    {
        internal string Attribute;
        internal string Add;
        internal string Modify;
        internal string Delete;

        internal ObjectModificationType Read(string word)
        {
            if (string.Equals(word, Delete, StringComparison.OrdinalIgnoreCase)) return ObjectModificationType.Delete;
            if (string.Equals(word, Modify, StringComparison.OrdinalIgnoreCase)) return ObjectModificationType.Replace;
            if (string.IsNullOrEmpty(word) || string.Equals(word, Add, StringComparison.OrdinalIgnoreCase)) return ObjectModificationType.Add;
            return ObjectModificationType.Unconfigured;
        }

        internal string Write(ObjectModificationType type)
        {
            return type == ObjectModificationType.Delete ? Delete : type == ObjectModificationType.Add ? Add : Modify;
        }
    }
}
