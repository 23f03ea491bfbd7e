using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security;
using System.Security.Principal;
using System.Threading;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Testing
{
    /// <summary>
    /// A connector that takes what it is given for its own and its own for new, as connectors do that were only ever run by one host:
    /// it disposes the secret, empties collections, fills one list again and again, works a batch off from its front, and leaves its
    /// thread changed. What a run knows stands in field initialisers alone: a second run of the same object would see the end of the first.
    /// </summary>
    public class CarelessConnector : IMAExtensible2GetParameters, IMAExtensible2GetSchema, IMAExtensible2CallImport, IMAExtensible2CallExport
    {
        private readonly List<CSEntryChange> page = new List<CSEntryChange>();
        private int given = 0;
        private bool closed = false;
        private string password = null;

        public int ImportDefaultPageSize { get { return 2; } }

        public int ImportMaxPageSize { get { return 2; } }

        public int ExportDefaultPageSize { get { return 10; } }

        public int ExportMaxPageSize { get { return 10; } }

        public IList<ConfigParameterDefinition> GetConfigParameters(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page)
        {
            if (page != ConfigParameterPage.Connectivity) return null;
            return new List<ConfigParameterDefinition> { ConfigParameterDefinition.CreateStringParameter("Server", ""), ConfigParameterDefinition.CreateEncryptedStringParameter("Password", "") };
        }

        public ParameterValidationResult ValidateConfigParameters(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page)
        {
            if (page == ConfigParameterPage.Global) return null;
            if (page == ConfigParameterPage.Partition) return new ParameterValidationResult(ParameterValidationResultCode.Failure, "", null);
            if (page == ConfigParameterPage.Connectivity) Begin(configParameters);
            return new ParameterValidationResult();
        }

        public Schema GetSchema(KeyedCollection<string, ConfigParameter> configParameters)
        {
            Begin(configParameters);
            Schema schema = Schema.Create();
            SchemaType person = SchemaType.Create("person", true);
            person.Attributes.Add(SchemaAttribute.CreateAnchorAttribute("id", AttributeType.String));
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("name", AttributeType.String));
            schema.Types.Add(person);
            return schema;
        }

        public OpenImportConnectionResults OpenImportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenImportConnectionRunStep importRunStep)
        {
            Begin(configParameters);
            types.Types.Clear();
            return new OpenImportConnectionResults();
        }

        public GetImportEntriesResults GetImportEntries(GetImportEntriesRunStep importRunStep)
        {
            if (closed) throw new InvalidOperationException("this object has had its run");
            page.Clear();
            for (int count = 0; count < 2 && given < 5; count++)
            {
                CSEntryChange entry = CSEntryChange.Create();
                entry.ObjectType = "person";
                entry.ObjectModificationType = ObjectModificationType.Add;
                entry.AnchorAttributes.Add(AnchorAttribute.Create("id", "e" + given));
                entry.AttributeChanges.Add(AttributeChange.CreateAttributeAdd("name", (object)(password + given++)));
                page.Add(entry);
            }
            return new GetImportEntriesResults { CSEntries = page, MoreToImport = given < 5 };
        }

        public CloseImportConnectionResults CloseImportConnection(CloseImportConnectionRunStep importRunStep)
        {
            closed = true;
            page.Clear();
            return null;
        }

        public void OpenExportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenExportConnectionRunStep exportRunStep)
        {
            Begin(configParameters);
        }

        public PutExportEntriesResults PutExportEntries(IList<CSEntryChange> csentries)
        {
            if (closed) throw new InvalidOperationException("this object has had its run");
            PutExportEntriesResults results = new PutExportEntriesResults();
            while (csentries.Count > 0)
            {
                CSEntryChange entry = csentries[0];
                csentries.RemoveAt(0);
                List<AttributeChange> assigned = new List<AttributeChange> { AttributeChange.CreateAttributeAdd("name", (object)(password + (1.5).ToString())) };
                results.CSEntryChangeResults.Add(CSEntryChangeResult.Create(entry.Identifier, assigned, MAExportError.Success));
                entry.AttributeChanges.Clear();
                entry.ObjectType = null;
            }
            return results;
        }

        public void CloseExportConnection(CloseExportConnectionRunStep exportRunStep)
        {
            closed = true;
        }

        private void Begin(KeyedCollection<string, ConfigParameter> parameters)
        {
            if (Thread.CurrentThread.CurrentCulture.Name == "de-DE") throw new InvalidOperationException("the thread is as the last run left it");
            if (Thread.CurrentPrincipal != null && Thread.CurrentPrincipal.Identity.Name == "somebody") throw new InvalidOperationException("the principal is that of the last run");
            using (SecureString secret = parameters["Password"].SecureValue) password = Marshal.PtrToStringUni(Marshal.SecureStringToGlobalAllocUnicode(secret));
            parameters.Remove("Password");
            parameters.Clear();
            Thread.CurrentThread.CurrentCulture = new CultureInfo("de-DE");
            Thread.CurrentPrincipal = new GenericPrincipal(new GenericIdentity("somebody"), null);
        }
    }
}
