using System;
using System.Collections.Generic;
using Microsoft.MetadirectoryServices;
using Microsoft.MetadirectoryServices.DetachedObjectModel;

namespace Landbridge.Worker
{
    /// <summary>Writes imported entries. What is not selected is left out: some connectors bring all they have.</summary>
    internal sealed class EntryWriter
    {
        private readonly Action<string> warn;
        private readonly Dictionary<string, Dictionary<string, SchemaAttribute>> types = new Dictionary<string, Dictionary<string, SchemaAttribute>>();
        private readonly Dictionary<string, int> anchors = new Dictionary<string, int>();
        private readonly HashSet<string> leftOut = new HashSet<string>();

        internal EntryWriter(Action<string> warn)
        {
            this.warn = warn;
        }

        internal void Select(Schema schema)
        {
            foreach (SchemaType type in schema.Types)
            {
                Dictionary<string, SchemaAttribute> attributes = new Dictionary<string, SchemaAttribute>();
                foreach (SchemaAttribute attribute in type.Attributes)
                {
                    attributes[attribute.Name] = attribute;
                    attribute.EncodedName = JsonWriter.EncodeName(attribute.Name);
                }
                types[type.Name] = attributes;
                anchors[type.Name] = type.AnchorAttributes.Count;
            }
        }

        internal void Write(JsonWriter writer, CSEntryChange entry)
        {
            Dictionary<string, SchemaAttribute> attributes;
            if (entry == null || entry.ObjectType == null || !types.TryGetValue(entry.ObjectType, out attributes))
            {
                WriteFailed(writer, entry, entry == null ? "the connector returned an entry that is null" : entry.ObjectType == null ? "the entry has no object type" : "the object type '" + entry.ObjectType + "' is not selected");
                return;
            }
            string problem = null;
            string modification = ModificationOf(entry.ObjectModificationType);
            writer.Open('{').Field("modification", modification).Field("objectType", entry.ObjectType);
            if (!string.IsNullOrEmpty(entry.DN)) writer.Field("dn", entry.DN);
            writer.Name("anchor").Open('{');
            problem = WriteAnchor(writer, entry, attributes);
            writer.Close('}');
            if (modification == "update") problem = WriteChanges(writer, entry, attributes) ?? problem;
            else if (modification != "delete") problem = WriteAttributes(writer, entry, attributes) ?? problem;
            if (entry.ErrorCodeImport != MAImportError.Success) WriteError(writer, NameOf(entry.ErrorCodeImport), entry.ErrorName, entry.ErrorDetail);
            else if (problem != null) writer.Name("error").Open('{').Field("code", "invalid-attribute-value").Field("message", problem).Close('}');
            writer.Close('}');
        }

        /// <summary>Some connectors give the anchor among the attributes only: it is looked for there.</summary>
        private string WriteAnchor(JsonWriter writer, CSEntryChange entry, Dictionary<string, SchemaAttribute> attributes)
        {
            string problem = null;
            foreach (AnchorAttribute anchor in entry.AnchorAttributes)
            {
                SchemaAttribute attribute;
                if (!attributes.TryGetValue(anchor.Name, out attribute)) LeaveOut(entry.ObjectType, anchor.Name);
                else problem = WriteOne(writer, attribute, anchor.Value) ?? problem;
            }
            if (entry.AnchorAttributes.Count >= anchors[entry.ObjectType]) return problem;
            foreach (AttributeChange change in entry.AttributeChanges)
            {
                SchemaAttribute attribute;
                if (!attributes.TryGetValue(change.Name, out attribute) || !attribute.IsAnchor || entry.AnchorAttributes.Contains(change.Name)) continue;
                foreach (ValueChange value in change.ValueChanges)
                    if (value.ModificationType != ValueModificationType.Delete) problem = WriteOne(writer, attribute, value.Value) ?? problem;
            }
            return problem;
        }

        private string WriteOne(JsonWriter writer, SchemaAttribute attribute, object value)
        {
            if (value == null) return "the anchor attribute '" + attribute.Name + "' has no value";
            writer.Name(attribute.EncodedName);
            return WriteValue(writer, attribute, value);
        }

        private string WriteAttributes(JsonWriter writer, CSEntryChange entry, Dictionary<string, SchemaAttribute> attributes)
        {
            string problem = null;
            writer.Name("attributes").Open('{');
            foreach (AttributeChange change in entry.AttributeChanges)
            {
                SchemaAttribute attribute = Selected(entry, change, attributes);
                if (attribute == null || attribute.IsAnchor) continue;
                IList<ValueChange> values = change.ValueChanges;
                int count = Count(values, ValueModificationType.Delete, false);
                if (count == 0) continue;
                writer.Name(attribute.EncodedName);
                bool many = !attribute.FirstOnly && (count > 1 || attribute.IsMultiValued);
                if (many) writer.Open('[');
                for (int index = 0; index < values.Count; index++)
                {
                    if (values[index].Value == null || values[index].ModificationType == ValueModificationType.Delete) continue;
                    problem = WriteValue(writer, attribute, values[index].Value) ?? problem;
                    if (attribute.FirstOnly) break;
                }
                if (many) writer.Close(']');
            }
            writer.Close('}');
            return problem;
        }

        private string WriteChanges(JsonWriter writer, CSEntryChange entry, Dictionary<string, SchemaAttribute> attributes)
        {
            string problem = null;
            string newDn = null;
            writer.Name("changes").Open('[');
            foreach (AttributeChange change in entry.AttributeChanges)
            {
                if (change.Name == DetachedUtils.DNAttributeName && !attributes.ContainsKey(change.Name))
                {
                    foreach (ValueChange value in change.ValueChanges)
                        if (value.ModificationType != ValueModificationType.Delete) newDn = value.Value as string ?? newDn;
                    continue;
                }
                SchemaAttribute attribute = Selected(entry, change, attributes);
                if (attribute == null || attribute.IsAnchor) continue;
                problem = WriteChange(writer, attribute, change) ?? problem;
            }
            writer.Close(']').Field("newDn", newDn);
            return problem;
        }

        private static string WriteChange(JsonWriter writer, SchemaAttribute attribute, AttributeChange change)
        {
            IList<ValueChange> values = change.ValueChanges;
            bool deltas = change.ModificationType == AttributeModificationType.Update && attribute.IsMultiValued && !attribute.FirstOnly;
            bool nothing = Count(values, ValueModificationType.Delete, false) == 0;
            writer.Open('{').Field("name", attribute.Name);
            string problem = null;
            if (deltas)
            {
                writer.Field("modification", "update");
                problem = WriteList(writer, "added", attribute, values, false);
                problem = WriteList(writer, "removed", attribute, values, true) ?? problem;
            }
            else if (change.ModificationType == AttributeModificationType.Delete || nothing) writer.Field("modification", "delete");
            else
            {
                writer.Field("modification", change.ModificationType == AttributeModificationType.Add ? "add" : "replace");
                problem = WriteList(writer, "values", attribute, values, false);
            }
            writer.Close('}');
            return problem;
        }

        private static string WriteList(JsonWriter writer, string name, SchemaAttribute attribute, IList<ValueChange> values, bool deletions)
        {
            string problem = null;
            writer.Name(name).Open('[');
            foreach (ValueChange value in values)
            {
                if (value.Value == null || (value.ModificationType == ValueModificationType.Delete) != deletions) continue;
                problem = WriteValue(writer, attribute, value.Value) ?? problem;
                if (attribute.FirstOnly) break;
            }
            writer.Close(']');
            return problem;
        }

        /// <summary>A value of a wrong type becomes null, and the sentence that says so becomes the error of the entry.</summary>
        private static string WriteValue(JsonWriter writer, SchemaAttribute attribute, object value)
        {
            try
            {
                WireValues.Write(writer, attribute.Name, attribute.DataType, value);
                return null;
            }
            catch (WorkerException error)
            {
                writer.Text(null);
                return error.Message;
            }
        }

        private SchemaAttribute Selected(CSEntryChange entry, AttributeChange change, Dictionary<string, SchemaAttribute> attributes)
        {
            SchemaAttribute attribute;
            if (attributes.TryGetValue(change.Name, out attribute)) return attribute;
            LeaveOut(entry.ObjectType, change.Name);
            return null;
        }

        private void LeaveOut(string objectType, string name)
        {
            if (name != WireSchema.PasswordAttribute && leftOut.Add(objectType + " " + name)) warn("the connector brought the attribute '" + name + "' of '" + objectType + "', which is not selected: it is left out");
        }

        private static int Count(IList<ValueChange> values, ValueModificationType type, bool equal)
        {
            int count = 0;
            if (values == null) return 0;
            for (int index = 0; index < values.Count; index++)
                if (values[index].Value != null && (values[index].ModificationType == type) == equal) count++;
            return count;
        }

        private static string ModificationOf(ObjectModificationType type)
        {
            switch (type)
            {
                case ObjectModificationType.Replace: return "replace";
                case ObjectModificationType.Update: return "update";
                case ObjectModificationType.None: return "update";
                case ObjectModificationType.Delete: return "delete";
            }
            // Unset is taken for an add, as connectors that forget it are used to.
            return "add";
        }

        private static string NameOf(MAImportError error)
        {
            return Enum.IsDefined(typeof(MAImportError), error) ? error.ToString() : "ImportError-" + (int)error;
        }

        internal static void WriteError(JsonWriter writer, string ecma2, string name, string detail)
        {
            string message = string.IsNullOrEmpty(detail) ? name : string.IsNullOrEmpty(name) || detail.Contains(name) ? detail : name + ": " + detail;
            writer.Name("error").Open('{').Field("ecma2", ecma2).Field("message", string.IsNullOrEmpty(message) ? ecma2 : message).Close('}');
        }

        private static void WriteFailed(JsonWriter writer, CSEntryChange entry, string message)
        {
            writer.Open('{').Field("modification", "add").Field("objectType", (entry == null ? null : entry.ObjectType) ?? "");
            if (entry != null && entry.DN != null) writer.Field("dn", entry.DN);
            writer.Name("anchor").Open('{').Close('}').Name("error").Open('{').Field("code", "unknown-object-type").Field("message", message).Close('}').Close('}');
        }
    }
}
