using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.IO;
using System.Text;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Testing
{
    /// <summary>
    /// A file-based ECMA2 connector: its application is a folder. people.txt (delta.txt for deltas) is handed out as it is, and what the
    /// host exports is kept as received.txt; files of attribute-value pairs are applied to people.txt by their key.
    /// </summary>
    public sealed class FileAgent : IMAExtensible2GetCapabilitiesEx, IMAExtensible2GetParameters, IMAExtensible2GetSchema, IMAExtensible2FileImport, IMAExtensible2FileExport
    {
        public MACapabilities GetCapabilitiesEx(KeyedCollection<string, ConfigParameter> configParameters)
        {
            MACapabilities capabilities = new MACapabilities();
            capabilities.ExportType = MAExportType.AttributeUpdate;
            capabilities.DistinguishedNameStyle = configParameters.Contains("Names") && configParameters["Names"].Value == "1" ? MADistinguishedNameStyle.Ldap : MADistinguishedNameStyle.None;
            capabilities.SupportPartitions = false;
            return capabilities;
        }

        public IList<ConfigParameterDefinition> GetConfigParameters(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page)
        {
            List<ConfigParameterDefinition> list = new List<ConfigParameterDefinition>();
            if (page != ConfigParameterPage.Connectivity) return list;
            list.Add(ConfigParameterDefinition.CreateStringParameter("Folder", ".+"));
            list.Add(ConfigParameterDefinition.CreateCheckBoxParameter("Names", false));
            return list;
        }

        public ParameterValidationResult ValidateConfigParameters(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page)
        {
            return new ParameterValidationResult();
        }

        public Schema GetSchema(KeyedCollection<string, ConfigParameter> configParameters)
        {
            Schema schema = new Schema(new Words(), "kind");
            SchemaType person = SchemaType.Create("person", false);
            person.Attributes.Add(SchemaAttribute.CreateAnchorAttribute("id", AttributeType.String));
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("login", AttributeType.String));
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("level", AttributeType.Integer));
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("active", AttributeType.Boolean));
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("photo", AttributeType.Binary));
            person.Attributes.Add(SchemaAttribute.CreateMultiValuedAttribute("mails", AttributeType.String));
            schema.Types.Add(person);
            SchemaType group = SchemaType.Create("group", false);
            group.Attributes.Add(SchemaAttribute.CreateAnchorAttribute("id", AttributeType.String));
            group.Attributes.Add(SchemaAttribute.CreateMultiValuedAttribute("members", AttributeType.Reference));
            schema.Types.Add(group);
            return schema;
        }

        public WriteImportFileResults WriteImportFile(KeyedCollection<string, ConfigParameter> configParameters, Schema types, WriteImportFileRunStep importRunStep)
        {
            if (types.ChangeType == null || types.ObjectTypeAttributeName != "kind") throw new InvalidOperationException("the schema lost what it says of files");
            string source = Path.Combine(configParameters["Folder"].Value, importRunStep.ImportType == OperationType.Delta ? "delta.txt" : "people.txt");
            if (File.Exists(source)) File.Copy(source, importRunStep.FilePath);
            int runs = string.IsNullOrEmpty(importRunStep.CustomData) ? 0 : int.Parse(importRunStep.CustomData);
            return new WriteImportFileResults((runs + 1).ToString());
        }

        public void ReadExportFile(KeyedCollection<string, ConfigParameter> configParameters, Schema types, ReadExportFileRunStep exportRunStep)
        {
            string folder = configParameters["Folder"].Value;
            File.Copy(exportRunStep.FilePath, Path.Combine(folder, "received.txt"), true);
            if (File.Exists(Path.Combine(folder, "down.txt"))) throw new ServerDownException("the application takes no files now");
            string text = File.ReadAllText(exportRunStep.FilePath, Encoding.UTF8);
            if (text.StartsWith("op: ", StringComparison.Ordinal)) Apply(Path.Combine(folder, "people.txt"), text);
        }

        private static void Apply(string file, string changes)
        {
            SortedDictionary<string, List<string>> people = Records(File.ReadAllText(file, Encoding.UTF8));
            foreach (KeyValuePair<string, List<string>> change in Records(changes))
            {
                if (change.Value.Contains("op: remove"))
                {
                    people.Remove(change.Key);
                    continue;
                }
                List<string> lines = people.ContainsKey(change.Key) ? people[change.Key] : new List<string>();
                List<string> names = change.Value.ConvertAll(line => line.Substring(0, line.IndexOf(':')));
                lines.RemoveAll(line => names.Contains(line.Substring(0, line.IndexOf(':'))));
                foreach (string line in change.Value)
                    if (!line.StartsWith("op:", StringComparison.Ordinal) && !line.EndsWith(":", StringComparison.Ordinal)) lines.Add(line);
                people[change.Key] = lines;
            }
            StringBuilder text = new StringBuilder();
            foreach (List<string> lines in people.Values) text.Append(string.Join("\n", lines)).Append("\n\n");
            File.WriteAllText(file, text.ToString(), new UTF8Encoding(false));
        }

        private static SortedDictionary<string, List<string>> Records(string text)
        {
            SortedDictionary<string, List<string>> records = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
            foreach (string block in text.Replace("\r", "").Split(new[] { "\n\n" }, StringSplitOptions.RemoveEmptyEntries))
            {
                List<string> lines = new List<string>(block.Split(new[] { '\n' }, StringSplitOptions.RemoveEmptyEntries));
                string key = lines.Find(line => line.StartsWith("id: ", StringComparison.Ordinal));
                if (key != null) records[key] = lines;
            }
            return records;
        }

        private sealed class Words : ChangeTypeDescription
        {
            public override string AttributeName
            {
                get { return "op"; }
            }

            public override string Add
            {
                get { return "new"; }
            }

            public override string Modify
            {
                get { return "change"; }
            }

            public override string Delete
            {
                get { return "remove"; }
            }
        }
    }
}
