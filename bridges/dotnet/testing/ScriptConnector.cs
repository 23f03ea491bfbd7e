using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.IO;
using System.Management.Automation;
using System.Reflection;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Testing
{
    /// <summary>
    /// A connector as many administrators have one: it runs PowerShell scripts that lie beside it. Compiled for .NET Framework against
    /// the PowerShell of Windows; import.ps1 puts out objects, export.ps1 gets one change after the other.
    /// </summary>
    public sealed class ScriptConnector : IMAExtensible2GetCapabilities, IMAExtensible2GetParameters, IMAExtensible2GetSchema, IMAExtensible2CallImport, IMAExtensible2CallExport
    {
        private KeyedCollection<string, ConfigParameter> values;

        public MACapabilities Capabilities
        {
            get { return new MACapabilities { DistinguishedNameStyle = MADistinguishedNameStyle.None, DeltaImport = false, ExportType = MAExportType.AttributeReplace }; }
        }

        public IList<ConfigParameterDefinition> GetConfigParameters(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page)
        {
            List<ConfigParameterDefinition> list = new List<ConfigParameterDefinition>();
            if (page == ConfigParameterPage.Connectivity) list.Add(ConfigParameterDefinition.CreateStringParameter("File", ".+"));
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
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("level", AttributeType.Integer));
            schema.Types.Add(person);
            return schema;
        }

        public int ImportDefaultPageSize
        {
            get { return 100; }
        }

        public int ImportMaxPageSize
        {
            get { return 1000; }
        }

        public OpenImportConnectionResults OpenImportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenImportConnectionRunStep importRunStep)
        {
            values = configParameters;
            return new OpenImportConnectionResults();
        }

        public GetImportEntriesResults GetImportEntries(GetImportEntriesRunStep importRunStep)
        {
            List<CSEntryChange> entries = new List<CSEntryChange>();
            foreach (PSObject item in Run("import.ps1", null))
            {
                CSEntryChange entry = CSEntryChange.Create();
                entry.ObjectModificationType = ObjectModificationType.Add;
                entry.ObjectType = "person";
                entry.AnchorAttributes.Add(AnchorAttribute.Create("id", (string)item.Properties["id"].Value));
                entry.AttributeChanges.Add(AttributeChange.CreateAttributeAdd("login", item.Properties["login"].Value));
                entry.AttributeChanges.Add(AttributeChange.CreateAttributeAdd("level", item.Properties["level"].Value));
                entries.Add(entry);
            }
            return new GetImportEntriesResults(null, false, entries);
        }

        public CloseImportConnectionResults CloseImportConnection(CloseImportConnectionRunStep importRunStep)
        {
            return new CloseImportConnectionResults();
        }

        public int ExportDefaultPageSize
        {
            get { return 100; }
        }

        public int ExportMaxPageSize
        {
            get { return 100; }
        }

        public void OpenExportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenExportConnectionRunStep exportRunStep)
        {
            values = configParameters;
        }

        public PutExportEntriesResults PutExportEntries(IList<CSEntryChange> csentries)
        {
            PutExportEntriesResults results = new PutExportEntriesResults();
            foreach (CSEntryChange change in csentries)
            {
                Run("export.ps1", change);
                results.CSEntryChangeResults.Add(CSEntryChangeResult.Create(change.Identifier, null, MAExportError.Success));
            }
            return results;
        }

        public void CloseExportConnection(CloseExportConnectionRunStep exportRunStep)
        {
        }

        private Collection<PSObject> Run(string script, CSEntryChange change)
        {
            string folder = Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location);
            using (PowerShell shell = PowerShell.Create())
            {
                shell.AddScript(File.ReadAllText(Path.Combine(folder, script))).AddParameter("File", values["File"].Value);
                if (change != null) shell.AddParameter("Change", change);
                Collection<PSObject> output = shell.Invoke();
                if (shell.Streams.Error.Count > 0) throw new ExtensibleExtensionException(script + ": " + shell.Streams.Error[0]);
                return output;
            }
        }
    }
}
