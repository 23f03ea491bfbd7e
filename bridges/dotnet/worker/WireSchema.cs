using System;
using System.Collections.Generic;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Worker
{
    /// <summary>Schemas and names between the protocol and the object model.</summary>
    internal static class WireSchema
    {
        internal const string PasswordAttribute = "export_password";
        private static readonly string[] TypeNames = { "string", "integer", "reference", "binary", "boolean" };

        internal static void Write(JsonWriter writer, Schema schema)
        {
            writer.Name("objectTypes").Open('[');
            foreach (SchemaType type in schema.Types)
            {
                writer.Open('{').Field("name", type.Name).Name("attributes").Open('[');
                foreach (SchemaAttribute attribute in type.Attributes)
                    if (attribute.Name != PasswordAttribute) WriteAttribute(writer, attribute);
                writer.Close(']');
                if (type.PossibleDNComponentsForProvisioning.Count > 0)
                {
                    writer.Name("dnComponents").Open('[');
                    foreach (string component in type.PossibleDNComponentsForProvisioning) writer.Text(component);
                    writer.Close(']');
                }
                if (type.Locked) writer.Field("anchorLocked", true);
                writer.Close('}');
            }
            writer.Close(']');
        }

        private static void WriteAttribute(JsonWriter writer, SchemaAttribute attribute)
        {
            writer.Open('{').Field("name", attribute.Name).Field("type", NameOf(attribute.DataType));
            if (attribute.IsMultiValued) writer.Field("multiValued", true);
            if (attribute.IsAnchor) writer.Field("anchor", true);
            if (attribute.AllowedAttributeOperation == AttributeOperation.ExportOnly) writer.Field("direction", "export-only");
            if (attribute.AllowedAttributeOperation == AttributeOperation.ImportOnly) writer.Field("direction", "import-only");
            // What only comes out of the application and still names the entry, the application makes itself.
            if (attribute.IsAnchor && attribute.AllowedAttributeOperation == AttributeOperation.ImportOnly) writer.Field("assigned", true);
            if (attribute.HiddenByDefault) writer.Field("hiddenByDefault", true);
            writer.Close('}');
        }

        private static string NameOf(AttributeType type)
        {
            int number = (int)type;
            return number >= 0 && number < TypeNames.Length ? TypeNames[number] : "string";
        }

        /// <summary>The selected part of the schema, as the host sends it.</summary>
        internal static Schema Read(Fields wire)
        {
            Schema schema = Schema.Create();
            foreach (object item in wire.List("objectTypes"))
            {
                Fields type = new Fields(item);
                SchemaType made = SchemaType.Create(type.Required("name"), type.Flag("anchorLocked"));
                foreach (object element in type.List("attributes"))
                {
                    Fields attribute = new Fields(element);
                    string direction = attribute.Text("direction");
                    AttributeOperation operation = direction == "export-only" ? AttributeOperation.ExportOnly : direction == "import-only" ? AttributeOperation.ImportOnly : AttributeOperation.ImportExport;
                    SchemaAttribute one = new SchemaAttribute(attribute.Required("name"), (AttributeType)Math.Max(0, Array.IndexOf(TypeNames, attribute.Text("type"))), attribute.Flag("anchor"), attribute.Flag("multiValued") || attribute.Flag("firstValue"), operation);
                    one.FirstOnly = attribute.Flag("firstValue");
                    one.HiddenByDefault = attribute.Flag("hiddenByDefault");
                    made.Attributes.Add(one);
                }
                foreach (object component in type.List("dnComponents")) made.PossibleDNComponentsForProvisioning.Add((string)component);
                schema.Types.Add(made);
            }
            return schema;
        }

        internal static Partition ReadPartition(Fields wire)
        {
            if (!wire.Has("id") && !wire.Has("dn")) return null;
            Guid identifier;
            if (!Guid.TryParse(wire.Text("id") ?? "", out identifier)) identifier = Guid.Empty;
            Partition partition = Partition.Create(identifier, wire.Text("dn") ?? "", wire.Text("name"));
            partition.HiddenByDefault = wire.Flag("hiddenByDefault");
            return partition;
        }

        internal static IList<HierarchyNode> ReadNodes(List<object> wire)
        {
            List<HierarchyNode> nodes = new List<HierarchyNode>();
            foreach (object item in wire)
            {
                Fields node = new Fields(item);
                nodes.Add(HierarchyNode.Create(node.Text("dn"), node.Text("displayName") ?? node.Text("dn")));
            }
            return nodes;
        }

        internal static CloseReason ReadReason(string reason)
        {
            switch (reason)
            {
                case "normal": return CloseReason.Normal;
                case "cancelled": return CloseReason.TerminatedByUser;
                case "shutting-down": return CloseReason.TerminatedShuttingDown;
            }
            return CloseReason.Unknown;
        }
    }
}
