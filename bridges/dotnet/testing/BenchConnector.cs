using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Text;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Testing
{
    /// <summary>An application that costs nearly nothing: people of about 1 KB made up in memory, and exports that are only counted.</summary>
    public sealed class BenchConnector : IMAExtensible2GetCapabilities, IMAExtensible2GetParameters, IMAExtensible2GetSchema, IMAExtensible2CallImport, IMAExtensible2CallExport
    {
        private const int Attributes = 18;
        private const string Filler = "abcdefghijklmnopqrstuvwxyz0123456";
        private int left;
        private int next;
        private int pageSize;

        public MACapabilities Capabilities
        {
            get { return new MACapabilities { DistinguishedNameStyle = MADistinguishedNameStyle.None, DeltaImport = false }; }
        }

        public IList<ConfigParameterDefinition> GetConfigParameters(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page)
        {
            List<ConfigParameterDefinition> list = new List<ConfigParameterDefinition>();
            if (page == ConfigParameterPage.Connectivity) list.Add(ConfigParameterDefinition.CreateStringParameter("Entries", null, "1000"));
            return list;
        }

        public ParameterValidationResult ValidateConfigParameters(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page)
        {
            return new ParameterValidationResult();
        }

        public Schema GetSchema(KeyedCollection<string, ConfigParameter> configParameters)
        {
            Schema schema = Schema.Create();
            SchemaType person = SchemaType.Create("person", false);
            person.Attributes.Add(SchemaAttribute.CreateAnchorAttribute("id", AttributeType.String));
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("login", AttributeType.String));
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("number", AttributeType.Integer));
            person.Attributes.Add(SchemaAttribute.CreateMultiValuedAttribute("mails", AttributeType.String));
            for (int index = 0; index < Attributes; index++) person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("attribute" + index, AttributeType.String));
            schema.Types.Add(person);
            return schema;
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
            left = int.Parse(configParameters["Entries"].Value);
            pageSize = importRunStep.PageSize;
            return new OpenImportConnectionResults();
        }

        public GetImportEntriesResults GetImportEntries(GetImportEntriesRunStep importRunStep)
        {
            List<CSEntryChange> page = new List<CSEntryChange>(pageSize);
            for (; left > 0 && page.Count < pageSize; left--) page.Add(Make(next++));
            return new GetImportEntriesResults(null, left > 0, page);
        }

        public CloseImportConnectionResults CloseImportConnection(CloseImportConnectionRunStep importRunStep)
        {
            return new CloseImportConnectionResults();
        }

        private static CSEntryChange Make(int number)
        {
            CSEntryChange entry = CSEntryChange.Create();
            entry.ObjectModificationType = ObjectModificationType.Add;
            entry.ObjectType = "person";
            entry.AnchorAttributes.Add(AnchorAttribute.Create("id", "p" + number));
            entry.AttributeChanges.Add(AttributeChange.CreateAttributeAdd("login", (object)("user" + number)));
            entry.AttributeChanges.Add(AttributeChange.CreateAttributeAdd("number", (object)(long)number));
            entry.AttributeChanges.Add(AttributeChange.CreateAttributeAdd("mails", new List<object> { "user" + number + "@example.com", "u" + number + "@example.org" }));
            for (int index = 0; index < Attributes; index++) entry.AttributeChanges.Add(AttributeChange.CreateAttributeAdd(Names[index], (object)(Filler + number)));
            return entry;
        }

        private static readonly string[] Names = MakeNames();

        private static string[] MakeNames()
        {
            string[] names = new string[Attributes];
            for (int index = 0; index < Attributes; index++) names[index] = "attribute" + index;
            return names;
        }

        public int ExportDefaultPageSize
        {
            get { return 100; }
        }

        public int ExportMaxPageSize
        {
            get { return 1000; }
        }

        public void OpenExportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenExportConnectionRunStep exportRunStep)
        {
        }

        public PutExportEntriesResults PutExportEntries(IList<CSEntryChange> csentries)
        {
            PutExportEntriesResults results = new PutExportEntriesResults();
            foreach (CSEntryChange change in csentries) results.CSEntryChangeResults.Add(CSEntryChangeResult.Create(change.Identifier, null, MAExportError.Success));
            return results;
        }

        public void CloseExportConnection(CloseExportConnectionRunStep exportRunStep)
        {
        }
    }
}
