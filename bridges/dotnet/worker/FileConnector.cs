using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.IO;
using System.Text;
using Microsoft.MetadirectoryServices;
using Microsoft.MetadirectoryServices.DetachedObjectModel;

namespace Landbridge.Worker
{
    internal sealed class WriteImportFileStep : WriteImportFileRunStep
    {
        private readonly string file;
        private readonly OperationType type;

        internal WriteImportFileStep(string file, OperationType type, Partition partition, string customData) : base(partition, customData)
        {
            this.file = file;
            this.type = type;
        }

        public override string FilePath
        {
            get { return file; }
        }

        public override OperationType ImportType
        {
            get { return type; }
        }
    }

    internal sealed class ReadExportFileStep : ReadExportFileRunStep
    {
        private readonly string file;

        internal ReadExportFileStep(string file, OperationType type, Partition partition) : base(partition, type)
        {
            this.file = file;
        }

        public override string FilePath
        {
            get { return file; }
        }
    }

    /// <summary>What both directions know: the format, what the connector's own schema says of files, and where they lie.</summary>
    internal abstract class FileSession
    {
        protected readonly FileFormat Format;
        private readonly Package package;

        protected FileSession(Package package, FileFormat format)
        {
            this.package = package;
            Format = format;
        }

        /// <summary>The connector's whole schema: only it says how a file tells types and changes. Null where it has none.</summary>
        protected Schema Declared(KeyedCollection<string, ConfigParameter> parameters)
        {
            IMAExtensible2GetSchema source = package.Create<IMAExtensible2GetSchema>();
            return source == null ? null : source.GetSchema(parameters);
        }

        protected static Schema WithWords(Schema selected, Schema declared)
        {
            if (declared == null) return selected;
            Schema schema = new Schema(declared.ChangeType, declared.ObjectTypeAttributeName);
            foreach (SchemaType type in selected.Types) schema.Types.Add(type);
            return schema;
        }

        protected static string NewFile(string purpose)
        {
            return Path.Combine(MAUtils.MAFolder, purpose + "-" + Guid.NewGuid().ToString("N") + ".txt");
        }
    }

    /// <summary>
    /// Drives IMAExtensible2FileImport as if it were called for entries: the connector writes its file when the import is opened, and
    /// the pages come out of the file. The file lives as long as the import.
    /// </summary>
    internal sealed class FileImport : FileSession, IMAExtensible2CallImport
    {
        private readonly IMAExtensible2FileImport connector;
        private Schema schema;
        private ChangeWords words;
        private string typeColumn;
        private bool full;
        private int pageSize;
        private string file;
        private string customData;
        private StreamReader reader;
        private IEnumerator<FileRecord> records;

        internal FileImport(IMAExtensible2FileImport connector, Package package, FileFormat format) : base(package, format)
        {
            this.connector = connector;
        }

        public int ImportDefaultPageSize
        {
            get { return 500; }
        }

        public int ImportMaxPageSize
        {
            get { return 5000; }
        }

        public OpenImportConnectionResults OpenImportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenImportConnectionRunStep importRunStep)
        {
            Schema declared = Declared(configParameters);
            schema = types;
            words = Format.ChangeType(declared);
            typeColumn = Format.TypeColumn(declared);
            full = importRunStep.ImportType == OperationType.Full;
            pageSize = importRunStep.PageSize;
            file = NewFile("import");
            WriteImportFileResults results = connector.WriteImportFile(configParameters, WithWords(types, declared), new WriteImportFileStep(file, importRunStep.ImportType, importRunStep.StepPartition, importRunStep.CustomData));
            customData = results == null ? null : results.CustomData;
            if (!File.Exists(file)) throw new WorkerException("invalid-data", "the connector's WriteImportFile ended without an error and wrote no file. It must write to the FilePath of its run step, here " + file);
            reader = new StreamReader(file, Format.Encoding, true);
            records = FileReader.Read(reader, Format).GetEnumerator();
            return new OpenImportConnectionResults(customData);
        }

        public GetImportEntriesResults GetImportEntries(GetImportEntriesRunStep importRunStep)
        {
            List<CSEntryChange> page = new List<CSEntryChange>();
            bool more = true;
            while (page.Count < pageSize && (more = records.MoveNext()))
            {
                CSEntryChange entry = EntryOf(records.Current);
                if (entry != null) page.Add(entry);
            }
            return new GetImportEntriesResults(customData, more, page);
        }

        public CloseImportConnectionResults CloseImportConnection(CloseImportConnectionRunStep importRunStep)
        {
            if (reader != null) reader.Dispose();
            if (file != null) File.Delete(file);
            return new CloseImportConnectionResults(importRunStep.Reason == CloseReason.Normal ? customData : null);
        }

        private CSEntryChange EntryOf(FileRecord record)
        {
            CSEntryChangeDetached entry = new CSEntryChangeDetached(Guid.NewGuid(), ModificationOf(record), MAImportError.Success, null);
            if (entry.ObjectModificationType == ObjectModificationType.Unconfigured)
                return Failed(entry, record, "its " + words.Attribute + " is none of " + words.Add + ", " + words.Modify + ", " + words.Delete);
            // Whole files bring what is there; what they call deleted is not.
            if (full && entry.ObjectModificationType == ObjectModificationType.Delete) return null;
            if (full) entry.ObjectModificationType = ObjectModificationType.Add;
            SchemaType type = TypeOf(record);
            if (type == null && record.First(typeColumn) != null) return null;
            if (type == null) return Failed(entry, record, "it has no " + typeColumn + ", which says its object type");
            entry.ObjectType = type.Name;
            entry.DN = record.Dn;
            foreach (FileField field in record.Fields)
            {
                SchemaAttribute attribute = AttributeOf(type, field.Name);
                if (attribute == null) continue;
                List<ValueChange> values = ValuesOf(attribute, field, record);
                if (attribute.IsAnchor && values.Count > 0 && !entry.AnchorAttributes.Contains(attribute.Name)) entry.AnchorAttributes.Add(new AnchorAttributeDetached(attribute.Name, attribute.DataType, values[0].Value));
                else if (!attribute.IsAnchor) Merge(entry, attribute, field, values);
            }
            if (record.NewDn != null) entry.AttributeChanges.Add(AttributeChange.CreateNewDN(record.NewDn));
            return entry;
        }

        private ObjectModificationType ModificationOf(FileRecord record)
        {
            switch (record.ChangeType)
            {
                case "modify":
                case "modrdn":
                case "moddn": return ObjectModificationType.Update;
                case "add": return ObjectModificationType.Add;
                case "delete": return ObjectModificationType.Delete;
            }
            return record.ChangeType != null ? ObjectModificationType.Unconfigured : words.Read(record.First(words.Attribute));
        }

        /// <summary>LDIF names every class of an object: the last one that is selected. A file of one type need not name it. Types that are not selected are passed over.</summary>
        private SchemaType TypeOf(FileRecord record)
        {
            FileField named = record.Find(typeColumn);
            SchemaType found = null;
            if (named != null)
                foreach (object value in named.Values)
                    foreach (SchemaType type in schema.Types)
                        if (string.Equals(type.Name, value as string, StringComparison.OrdinalIgnoreCase)) found = type;
            bool silent = named == null || named.Values.Count == 0;
            return found != null || !silent || schema.Types.Count != 1 ? found : schema.Types[0];
        }

        private static SchemaAttribute AttributeOf(SchemaType type, string name)
        {
            if (type.Attributes.Contains(name)) return type.Attributes[name];
            foreach (SchemaAttribute attribute in type.Attributes)
                if (string.Equals(attribute.Name, name, StringComparison.OrdinalIgnoreCase)) return attribute;
            return null;
        }

        private List<ValueChange> ValuesOf(SchemaAttribute attribute, FileField field, FileRecord record)
        {
            bool columns = Format.Kind == FileKind.Delimited || Format.Kind == FileKind.FixedWidth;
            List<ValueChange> values = new List<ValueChange>();
            foreach (object value in field.Values)
            {
                string text = value as string;
                string[] parts = columns && attribute.IsMultiValued && text != null ? text.Split(new[] { Format.ValueSeparator }, StringSplitOptions.RemoveEmptyEntries) : null;
                ValueModificationType kind = field.Modification == AttributeModificationType.Delete ? ValueModificationType.Delete : ValueModificationType.Add;
                if (parts == null) values.Add(new ValueChange(Typed(attribute, value, record), kind));
                else
                    foreach (string part in parts) values.Add(new ValueChange(Typed(attribute, part.Trim(), record), kind));
            }
            return values;
        }

        private static object Typed(SchemaAttribute attribute, object value, FileRecord record)
        {
            byte[] bytes = value as byte[];
            if (attribute.DataType == AttributeType.Binary)
            {
                if (bytes != null) return bytes;
                try
                {
                    return Convert.FromBase64String((string)value);
                }
                catch (FormatException)
                {
                    throw new WorkerException("invalid-data", "line " + record.Line + " of the file that the connector wrote: the value of '" + attribute.Name + "' is not base64");
                }
            }
            return bytes == null ? value : Encoding.UTF8.GetString(bytes);
        }

        /// <summary>LDIF may say two things of one attribute: deltas of it become one change.</summary>
        private static void Merge(CSEntryChange entry, SchemaAttribute attribute, FileField field, List<ValueChange> values)
        {
            bool update = entry.ObjectModificationType == ObjectModificationType.Update;
            if (entry.AttributeChanges.Contains(attribute.Name))
            {
                foreach (ValueChange value in values) entry.AttributeChanges[attribute.Name].ValueChanges.Add(value);
                return;
            }
            AttributeModificationType modification = AttributeModificationType.Add;
            if (update && (values.Count == 0 || (!attribute.IsMultiValued && field.Modification == AttributeModificationType.Delete))) modification = AttributeModificationType.Delete;
            else if (update) modification = attribute.IsMultiValued && field.Modification != AttributeModificationType.Replace ? AttributeModificationType.Update : AttributeModificationType.Replace;
            if (modification == AttributeModificationType.Add && values.Count == 0) return;
            entry.AttributeChanges.Add(new AttributeChangeDetached(attribute.Name, modification, values, attribute.DataType, attribute.IsMultiValued, false));
        }

        private CSEntryChange Failed(CSEntryChange entry, FileRecord record, string why)
        {
            entry.ObjectModificationType = ObjectModificationType.Add;
            entry.ObjectType = schema.Types.Count > 0 ? schema.Types[0].Name : "";
            entry.DN = record.Dn;
            entry.ErrorCodeImport = MAImportError.ImportErrorCustomContinueRun;
            entry.ErrorDetail = "the object in line " + record.Line + " of the file cannot be imported: " + why;
            return entry;
        }
    }

    /// <summary>
    /// Drives IMAExtensible2FileExport: each batch is a file that the connector reads. The contract has no results for entries here:
    /// what ends without an exception counts for all of the batch.
    /// </summary>
    internal sealed class FileExport : FileSession, IMAExtensible2CallExport
    {
        private readonly IMAExtensible2FileExport connector;
        private KeyedCollection<string, ConfigParameter> parameters;
        private OpenExportConnectionRunStep step;
        private Schema schema;
        private FileWriter writer;

        internal FileExport(IMAExtensible2FileExport connector, Package package, FileFormat format) : base(package, format)
        {
            this.connector = connector;
        }

        public int ExportDefaultPageSize
        {
            get { return 100; }
        }

        public int ExportMaxPageSize
        {
            get { return 5000; }
        }

        public void OpenExportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenExportConnectionRunStep exportRunStep)
        {
            Schema declared = Declared(configParameters);
            parameters = configParameters;
            step = exportRunStep;
            schema = WithWords(types, declared);
            writer = new FileWriter(Format, declared, types);
        }

        public PutExportEntriesResults PutExportEntries(IList<CSEntryChange> csentries)
        {
            PutExportEntriesResults results = new PutExportEntriesResults();
            string file = NewFile("export");
            try
            {
                bool any = false;
                using (StreamWriter text = new StreamWriter(file, false, WithoutMark(Format.Encoding)))
                {
                    writer.Begin(text);
                    foreach (CSEntryChange change in csentries) any |= TryWrite(text, change, results);
                }
                if (any) connector.ReadExportFile(parameters, schema, new ReadExportFileStep(file, step.ExportType, step.StepPartition));
                foreach (CSEntryChange change in csentries)
                    if (!results.CSEntryChangeResults.Contains(change.Identifier)) results.CSEntryChangeResults.Add(CSEntryChangeResult.Create(change.Identifier, null, MAExportError.Success));
                return results;
            }
            finally
            {
                File.Delete(file);
            }
        }

        public void CloseExportConnection(CloseExportConnectionRunStep exportRunStep)
        {
        }

        private bool TryWrite(StreamWriter text, CSEntryChange change, PutExportEntriesResults results)
        {
            try
            {
                string record = writer.Format(change);
                Format.Encoding.GetByteCount(record);
                text.Write(record);
                return true;
            }
            catch (WorkerException error)
            {
                results.CSEntryChangeResults.Add(CSEntryChangeResult.Create(change.Identifier, null, MAExportError.ExportErrorCustomContinueRun, "cannot-be-written", error.Message));
            }
            catch (EncoderFallbackException)
            {
                results.CSEntryChangeResults.Add(CSEntryChangeResult.Create(change.Identifier, null, MAExportError.ExportErrorCustomContinueRun, "cannot-be-written", "the entry has a character that " + Format.Encoding.WebName + " does not have: set file.encoding to one that the connector reads"));
            }
            return false;
        }

        /// <summary>UTF-8 without a byte order mark: connectors that split lines themselves stumble over it.</summary>
        private static Encoding WithoutMark(Encoding encoding)
        {
            return encoding.CodePage == 65001 ? new UTF8Encoding(false, true) : encoding;
        }
    }
}
