using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Sample
{
    /// <summary>
    /// An ECMA2 connector as they are usually written: one class, state in fields, some interfaces implemented explicitly. It reads and
    /// writes people and groups of a <see cref="DirectoryStore"/>.
    /// </summary>
    public sealed partial class DirectoryConnector :
        IMAExtensible2GetCapabilitiesEx,
        IMAExtensible2GetParametersEx,
        IMAExtensible2GetSchema,
        IMAExtensible2GetPartitions,
        IMAExtensible2GetHierarchy,
        IMAExtensible2CallImport,
        IMAExtensible2CallExport,
        IMAExtensible2Password
    {
        private Settings settings;
        private DirectoryStore store;
        private Schema schema;

        public MACapabilities GetCapabilitiesEx(KeyedCollection<string, ConfigParameter> configParameters)
        {
            return new Settings(configParameters).Capabilities();
        }

        IList<ConfigParameterDefinition> IMAExtensible2GetParametersEx.GetConfigParametersEx(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page, int pageNumber)
        {
            return Settings.Definitions(page, pageNumber);
        }

        ParameterValidationResult IMAExtensible2GetParametersEx.ValidateConfigParametersEx(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page, int pageNumber)
        {
            Settings values = new Settings(configParameters);
            if (page == ConfigParameterPage.Connectivity && !new DirectoryStore(values.Text(Settings.Folder)).Exists)
                return new ParameterValidationResult(ParameterValidationResultCode.Failure, "the folder '" + values.Text(Settings.Folder) + "' does not exist", Settings.Folder);
            if (page == ConfigParameterPage.Connectivity && values.Secret(Settings.Password) == "wrong")
                return new ParameterValidationResult(ParameterValidationResultCode.Failure, "the application refuses the password of '" + values.Text(Settings.Account) + "'", Settings.Password);
            return new ParameterValidationResult(ParameterValidationResultCode.Success, "", "");
        }

        public Schema GetSchema(KeyedCollection<string, ConfigParameter> configParameters)
        {
            return DirectorySchema.Create(new Settings(configParameters));
        }

        IList<Partition> IMAExtensible2GetPartitions.GetPartitions(KeyedCollection<string, ConfigParameter> configParameters)
        {
            return new List<Partition>
            {
                Partition.Create(new Guid("6f3a2c10-0000-4000-8000-000000000001"), "DC=sample", "Sample"),
                Partition.Create(new Guid("6f3a2c10-0000-4000-8000-000000000002"), "DC=lab", "Laboratory"),
            };
        }

        IList<HierarchyNode> IMAExtensible2GetHierarchy.GetHierarchy(KeyedCollection<string, ConfigParameter> configParameters, HierarchyNode parent)
        {
            List<HierarchyNode> children = new List<HierarchyNode>();
            if (parent == null)
                foreach (string root in new[] { "DC=sample", "DC=lab" }) children.Add(HierarchyNode.Create(root, root.Substring(3)));
            else if (parent.DN.StartsWith("DC=", StringComparison.Ordinal))
                foreach (string unit in new[] { "People", "Groups" }) children.Add(HierarchyNode.Create("OU=" + unit + "," + parent.DN, unit));
            return children;
        }

        private void Open(KeyedCollection<string, ConfigParameter> configParameters, Schema types)
        {
            settings = new Settings(configParameters);
            store = new DirectoryStore(settings.Text(Settings.Folder));
            schema = types;
            if (settings.Secret(Settings.Password) == "wrong") throw new BadServerCredentialsException("the application refuses the password of '" + settings.Text(Settings.Account) + "'");
            if (!store.Exists) throw new ServerDownException("the folder '" + settings.Text(Settings.Folder) + "' does not exist");
        }

        /// <summary>The key of an object within its type: the anchor, or the DN where that is the anchor.</summary>
        private string KeyOf(CSEntryChange change)
        {
            if (settings.Flag(Settings.DnAnchor)) return change.DN;
            string key = null;
            foreach (string name in new[] { DirectorySchema.Region, DirectorySchema.Key })
            {
                string part = null;
                if (change.AnchorAttributes.Contains(name)) part = DirectorySchema.ToText(change.AnchorAttributes[name].Value);
                else if (change.AttributeChanges.Contains(name) && change.AttributeChanges[name].ValueChanges.Count > 0) part = DirectorySchema.ToText(change.AttributeChanges[name].ValueChanges[0].Value);
                if (part != null) key = key == null ? part : key + "|" + part;
            }
            return key;
        }
    }
}
