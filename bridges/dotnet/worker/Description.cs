using System;
using System.Collections.Generic;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Worker
{
    /// <summary>What a connector says of itself: capabilities, parameters, schema, partitions, hierarchy. A new object for each question.</summary>
    internal sealed class Description
    {
        private const int FewestEntries = 1;
        private readonly Package package;
        private readonly ParameterSet parameters;

        internal Description(Package package, ParameterSet parameters)
        {
            this.package = package;
            this.parameters = parameters;
        }

        internal void WriteCapabilities(JsonWriter writer, Fields values)
        {
            MACapabilities declared = ReadCapabilities(values);
            IMAExtensible2CallImport import = package.CreateImport();
            IMAExtensible2CallExport export = package.CreateExport();
            bool partitions = declared.SupportPartitions && package.Has(typeof(IMAExtensible2GetPartitions));
            writer.Field("import", declared.SupportImport && import != null);
            writer.Field("export", declared.SupportExport && export != null);
            writer.Field("deltaImport", declared.DeltaImport && declared.SupportImport && import != null);
            writer.Field("fullExport", declared.FullExport);
            writer.Field("password", declared.SupportPassword && package.Has(typeof(IMAExtensible2Password)));
            writer.Field("partitions", partitions);
            writer.Field("hierarchy", declared.SupportHierarchy && package.Has(typeof(IMAExtensible2GetHierarchy)));
            writer.Field("distinguishedNameStyle", NameOf(declared.DistinguishedNameStyle));
            writer.Field("dnAsAnchor", declared.IsDNAsAnchor);
            // Files of columns or pairs hold whole values under one name: only LDIF can say what is added, removed or renamed.
            bool wholeValues = export is FileExport && package.FileFormat.Kind != FileKind.Ldif;
            writer.Field("objectRename", declared.ObjectRename && !wholeValues);
            writer.Field("exportType", NameOf(wholeValues && declared.ExportType != MAExportType.ObjectReplace ? MAExportType.AttributeReplace : declared.ExportType));
            writer.Field("noReferenceValuesInFirstExport", declared.NoReferenceValuesInFirstExport);
            writer.Field("deleteAddAsReplace", declared.DeleteAddAsReplace);
            writer.Field("exportPasswordInFirstPass", declared.ExportPasswordInFirstPass);
            writer.Field("objectConfirmation", NameOf(declared.ObjectConfirmation));
            writer.Field("concurrentOperation", declared.ConcurrentOperation);
            writer.Name("normalizations").Open('[');
            if ((declared.Normalizations & MANormalizations.Uppercase) != 0) writer.Text("uppercase");
            if ((declared.Normalizations & MANormalizations.RemoveAccents) != 0) writer.Text("remove-accents");
            writer.Close(']');
            if (import != null)
            {
                int most = Math.Max(FewestEntries, import.ImportMaxPageSize);
                writer.Field("importMaxPage", most).Field("importDefaultPage", Math.Min(most, Math.Max(FewestEntries, import.ImportDefaultPageSize)));
            }
            if (export != null) writer.Field("exportMaxBatch", Math.Max(FewestEntries, export.ExportMaxPageSize));
        }

        private MACapabilities ReadCapabilities(Fields values)
        {
            IMAExtensible2GetCapabilitiesEx extended = package.Create<IMAExtensible2GetCapabilitiesEx>();
            if (extended != null) return NotNull(extended.GetCapabilitiesEx(parameters.Build(values)), "GetCapabilitiesEx");
            IMAExtensible2GetCapabilities plain = package.Create<IMAExtensible2GetCapabilities>();
            return plain == null ? new MACapabilities() : NotNull(plain.Capabilities, "Capabilities");
        }

        private static string NameOf(MADistinguishedNameStyle style)
        {
            return style == MADistinguishedNameStyle.Ldap ? "ldap" : style == MADistinguishedNameStyle.Generic ? "generic" : "none";
        }

        /// <summary>An unknown number is exported as what every connector understands: whole new values of what changed.</summary>
        private static string NameOf(MAExportType type)
        {
            switch (type)
            {
                case MAExportType.AttributeUpdate: return "attribute-update";
                case MAExportType.ObjectReplace: return "object-replace";
                case MAExportType.MultivaluedReferenceAttributeUpdate: return "multivalued-reference-update";
            }
            return "attribute-replace";
        }

        private static string NameOf(MAObjectConfirmation confirmation)
        {
            switch (confirmation)
            {
                case MAObjectConfirmation.NoDeleteConfirmation: return "no-delete-confirmation";
                case MAObjectConfirmation.NoAddAndDeleteConfirmation: return "no-add-and-delete-confirmation";
            }
            return "normal";
        }

        internal void WriteParameters(JsonWriter writer, Fields request)
        {
            IList<ConfigParameterDefinition> definitions = parameters.Definitions(ParameterSet.PageOf(request.Required("page")), request.Number("pageNumber", 1), parameters.Build(request.Object("parameters")));
            int anonymous = 0;
            writer.Name("definitions").Open('[');
            foreach (ConfigParameterDefinition definition in definitions)
            {
                string kind = KindOf(definition.Type);
                writer.Open('{').Field("name", definition.Name ?? kind + " " + ++anonymous).Field("kind", kind).Field("label", definition.Text);
                if (definition.Type == ConfigParameterType.CheckBox) writer.Field("default", definition.CheckBoxDefault);
                else if (!string.IsNullOrEmpty(definition.DefaultValue) && kind != "secret") writer.Field("default", definition.DefaultValue);
                if (definition.Type == ConfigParameterType.DropDown)
                {
                    writer.Name("choices").Open('[');
                    foreach (string choice in SplitChoices(definition.Validation)) writer.Text(choice);
                    writer.Close(']').Field("extensible", definition.DropDownExtensible);
                }
                else if (!string.IsNullOrEmpty(definition.Validation)) writer.Field("pattern", definition.Validation);
                writer.Close('}');
            }
            writer.Close(']');
        }

        private static string KindOf(ConfigParameterType type)
        {
            switch (type)
            {
                case ConfigParameterType.EncryptedString: return "secret";
                case ConfigParameterType.Text: return "text";
                case ConfigParameterType.CheckBox: return "checkbox";
                case ConfigParameterType.DropDown: return "drop-down";
                case ConfigParameterType.File: return "file";
                case ConfigParameterType.Label: return "label";
                case ConfigParameterType.Divider: return "divider";
            }
            return "string";
        }

        private static IEnumerable<string> SplitChoices(string text)
        {
            if (string.IsNullOrEmpty(text)) yield break;
            System.Text.StringBuilder choice = new System.Text.StringBuilder();
            for (int index = 0; index < text.Length; index++)
            {
                if (text[index] == '\\' && index + 1 < text.Length) choice.Append(text[++index]);
                else if (text[index] == ',')
                {
                    yield return choice.ToString();
                    choice.Length = 0;
                }
                else choice.Append(text[index]);
            }
            yield return choice.ToString();
        }

        internal void WriteProblems(JsonWriter writer, Fields request)
        {
            ConfigParameterPage page = ParameterSet.PageOf(request.Required("page"));
            ParameterValidationResult result = parameters.Validate(page, request.Number("pageNumber", 1), parameters.Build(request.Object("parameters")));
            writer.Name("problems").Open('[');
            if (result.Code != ParameterValidationResultCode.Success)
            {
                string message = string.IsNullOrEmpty(result.ErrorMessage) ? "the connector refuses the page " + page + " without a reason" : result.ErrorMessage;
                writer.Open('{').Field("parameter", result.ErrorParameter ?? "").Field("message", message).Close('}');
            }
            writer.Close(']');
        }

        internal void WriteSchema(JsonWriter writer, Fields values)
        {
            IMAExtensible2GetSchema source = package.Create<IMAExtensible2GetSchema>();
            Schema declared = source == null && package.FileFormat != null ? package.FileFormat.DeclaredSchema() : null;
            if (source == null && declared == null)
                throw new WorkerException("not-supported", "no class of the connector implements IMAExtensible2GetSchema" + (package.IsFileBased ? ": name its object types and attributes in file.objectTypes" : "; a connector that is called needs it"));
            WireSchema.Write(writer, declared ?? NotNull(source.GetSchema(parameters.Build(values)), "GetSchema"));
        }

        internal void WritePartitions(JsonWriter writer, Fields values)
        {
            IMAExtensible2GetPartitions source = package.Create<IMAExtensible2GetPartitions>();
            writer.Name("partitions").Open('[');
            foreach (Partition partition in source == null ? new List<Partition>() : NotNull(source.GetPartitions(parameters.Build(values)), "GetPartitions"))
            {
                writer.Open('{').Field("id", partition.Identifier.ToString()).Field("dn", partition.DN).Field("name", partition.Name);
                if (partition.HiddenByDefault) writer.Field("hiddenByDefault", true);
                writer.Close('}');
            }
            writer.Close(']');
        }

        internal void WriteHierarchy(JsonWriter writer, Fields request)
        {
            IMAExtensible2GetHierarchy source = package.Create<IMAExtensible2GetHierarchy>();
            if (source == null) throw new WorkerException("not-supported", "no class of the connector implements IMAExtensible2GetHierarchy");
            Fields parent = request.Object("parent");
            HierarchyNode node = parent.Has("dn") ? HierarchyNode.Create(parent.Text("dn"), parent.Text("displayName") ?? parent.Text("dn")) : null;
            writer.Name("nodes").Open('[');
            foreach (HierarchyNode child in source.GetHierarchy(parameters.Build(request.Object("parameters")), node) ?? new List<HierarchyNode>())
                writer.Open('{').Field("dn", child.DN).Field("displayName", child.DisplayName ?? child.DN).Close('}');
            writer.Close(']');
        }

        private static T NotNull<T>(T value, string method) where T : class
        {
            if (value == null) throw new WorkerException("invalid-data", "the connector's " + method + " returned nothing");
            return value;
        }
    }
}
