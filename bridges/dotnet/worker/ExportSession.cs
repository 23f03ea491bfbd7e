using System;
using System.Collections.Generic;
using Microsoft.MetadirectoryServices;
using Microsoft.MetadirectoryServices.DetachedObjectModel;

namespace Landbridge.Worker
{
    /// <summary>One export: opened, fed with batches, closed.</summary>
    internal sealed class ExportSession : Session
    {
        private readonly IMAExtensible2CallExport connector;
        private Schema schema;
        /// <summary>In which order the host writes. Others are read as well, only slower.</summary>
        private static readonly string[] ChangeMembers = { "id", "modification", "objectType", "anchor", "changes" };
        private static readonly string[] AttributeMembers = { "name", "modification", "values" };
        /// <summary>Attributes by their place in the change before: the next one has mostly the same.</summary>
        private readonly List<SchemaAttribute> expectedAttributes = new List<SchemaAttribute>();
        private static readonly char[] Escaped = { '"', '\\' };
        private SchemaType expectedType;
        private bool open;
        private bool failed;

        internal ExportSession(Lane lane, IMAExtensible2CallExport connector) : base(lane)
        {
            if (connector == null) throw new WorkerException("not-supported", "no class of the connector implements IMAExtensible2CallExport or IMAExtensible2FileExport");
            this.connector = connector;
        }

        internal void Open(Request request, ConfigParameterSet parameters, int number)
        {
            Fields step = request.Params.Object("step");
            schema = WireSchema.Read(step.Object("schema"));
            OperationType type = step.Text("kind") == "full" ? OperationType.Full : OperationType.Delta;
            open = true;
            connector.OpenExportConnection(parameters, schema, new OpenExportConnectionRunStep(
                WireSchema.ReadPartition(step.Object("partition")), Math.Max(1, step.Number("batchSize", 1)), type,
                WireSchema.ReadNodes(step.List("included")), WireSchema.ReadNodes(step.List("excluded"))));
            request.Answer(Lane.Writer, writer => writer.Field("session", number));
        }

        internal void Put(Request request)
        {
            List<CSEntryChange> changes = new List<CSEntryChange>();
            Dictionary<Guid, Sent> sent = new Dictionary<Guid, Sent>();
            JsonReader json = request.Changes;
            if (json == null) throw new ProtocolException("the request lacks 'changes'");
            try
            {
                json.Begin('[');
                for (bool first = true; json.More(ref first, ']');)
                {
                    Sent one;
                    CSEntryChange change = ReadChange(json, out one);
                    changes.Add(change);
                    sent[change.Identifier] = one;
                }
            }
            catch (FormatException error)
            {
                throw new ProtocolException(error.Message);
            }
            failed = true;
            PutExportEntriesResults results = connector.PutExportEntries(changes);
            failed = false;
            request.Answer(Lane.Writer, writer =>
            {
                writer.Name("results").Open('[');
                if (results != null)
                    foreach (CSEntryChangeResult result in results.CSEntryChangeResults) WriteResult(writer, result, sent);
                writer.Close(']');
            });
        }

        internal void Close(Request request)
        {
            if (open)
            {
                open = false;
                connector.CloseExportConnection(new CloseExportConnectionRunStep(WireSchema.ReadReason(failed ? "failed" : request.Params.Text("reason"))));
            }
            request.Answer(Lane.Writer, writer => { });
        }

        private SchemaType TypeOf(string name)
        {
            if (name == null) throw new ProtocolException("the request lacks 'objectType'");
            if (!schema.Types.Contains(name)) throw new ProtocolException("the object type '" + name + "' is not in the schema of the session");
            return schema.Types[name];
        }

        /// <summary>Reads a change member by member. What stands before the object type that says how to read it is read when that is known.</summary>
        private CSEntryChange ReadChange(JsonReader json, out Sent sent)
        {
            sent = new Sent();
            string modification = null;
            string newDn = null;
            string password = null;
            Fields anchor = null;
            int skipped = -1;
            int expected = 0;
            List<AttributeChange> read = new List<AttributeChange>(32);
            string dn = null;
            json.Begin('{');
            for (bool first = true; json.More(ref first, '}');)
                switch (json.ReadName(ChangeMembers[Math.Min(expected++, ChangeMembers.Length - 1)]))
                {
                    case "id":
                        sent.Id = json.ReadValue() as string;
                        break;
                    case "modification":
                        modification = json.ReadText("add");
                        break;
                    case "objectType":
                        sent.Type = TypeOf(json.ReadValue() as string);
                        break;
                    case "dn":
                        dn = json.ReadValue() as string;
                        break;
                    case "newDn":
                        newDn = json.ReadValue() as string;
                        break;
                    case "password":
                        password = json.ReadValue() as string;
                        break;
                    case "anchor":
                        anchor = new Fields(json.ReadValue());
                        break;
                    case "changes":
                        if (sent.Type != null)
                        {
                            ReadAttributeChanges(sent.Type, json, read);
                            break;
                        }
                        skipped = json.Position;
                        json.Skip();
                        break;
                    default:
                        json.Skip();
                        break;
                }
            if (sent.Id == null) throw new ProtocolException("the request lacks 'id'");
            SchemaType type = sent.Type ?? TypeOf(null);
            if (skipped >= 0)
            {
                int end = json.Position;
                json.Position = skipped;
                ReadAttributeChanges(type, json, read);
                json.Position = end;
            }
            CSEntryChangeDetached change = new CSEntryChangeDetached(Guid.NewGuid(), ModificationOf(modification), MAImportError.Success, null);
            change.ObjectType = type.Name;
            change.DN = dn;
            if (anchor != null)
                foreach (KeyValuePair<string, object> one in anchor.All)
                {
                    AttributeType dataType = type.Attributes.Contains(one.Key) ? type.Attributes[one.Key].DataType : AttributeType.String;
                    change.AnchorAttributes.Add(new AnchorAttributeDetached(one.Key, dataType, WireValues.Read(dataType, one.Value)));
                }
            // Without distinguished names an entry that exists is named by its anchor: connectors look rows up by DN. Files have the names they have.
            if (change.DN == null && !(connector is FileExport) && change.ObjectModificationType != ObjectModificationType.Add && change.AnchorAttributes.Count > 0)
                change.DN = WireValues.NameOf(anchor);
            foreach (AttributeChange one in read) change.AttributeChanges.Add(one);
            if (newDn != null) change.AttributeChanges.Add(Rename(change.DN, newDn));
            if (password != null)
                change.AttributeChanges.Add(new AttributeChangeDetached(WireSchema.PasswordAttribute, AttributeModificationType.Add, new List<ValueChange> { ValueChange.CreateValueAdd(password) }, AttributeType.String, false, false));
            return change;
        }

        /// <summary>The new name first: connectors take the first value that is added (contract page 3.3).</summary>
        private static AttributeChange Rename(string oldDn, string newDn)
        {
            List<ValueChange> values = new List<ValueChange> { ValueChange.CreateValueAdd(newDn) };
            if (oldDn != null) values.Add(ValueChange.CreateValueDelete(oldDn));
            return new AttributeChangeDetached(DetachedUtils.DNAttributeName, AttributeModificationType.Update, values, AttributeType.String, false, false);
        }

        private void ReadAttributeChanges(SchemaType type, JsonReader json, List<AttributeChange> into)
        {
            int index = 0;
            // Types have attributes of the same name that are not the same.
            if (!ReferenceEquals(type, expectedType)) expectedAttributes.Clear();
            expectedType = type;
            json.Begin('[');
            for (bool first = true; json.More(ref first, ']'); index++)
            {
                if (index == expectedAttributes.Count) expectedAttributes.Add(null);
                SchemaAttribute attribute = expectedAttributes[index];
                into.Add(ReadAttributeChange(type, json, ref attribute));
                expectedAttributes[index] = attribute;
            }
        }

        /// <summary>As with the whole change: values that stand before the name are read when it is known what they are.</summary>
        private static AttributeChange ReadAttributeChange(SchemaType type, JsonReader json, ref SchemaAttribute expectedAttribute)
        {
            string name = null;
            string modification = null;
            SchemaAttribute attribute = null;
            int expected = 0;
            List<ValueChange> values = new List<ValueChange>(1);
            List<KeyValuePair<int, bool>> skipped = null;
            json.Begin('{');
            for (bool first = true; json.More(ref first, '}');)
            {
                string member = json.ReadName(AttributeMembers[Math.Min(expected++, AttributeMembers.Length - 1)]);
                if (member == "name")
                {
                    name = json.ReadText(expectedAttribute == null ? null : expectedAttribute.Name);
                    attribute = AttributeOf(type, name, expectedAttribute);
                }
                else if (member == "modification") modification = json.ReadText("add");
                else if (member != "values" && member != "added" && member != "removed") json.Skip();
                else if (name != null) ReadValues(attribute, json, member == "removed", values);
                else
                {
                    skipped = skipped ?? new List<KeyValuePair<int, bool>>();
                    skipped.Add(new KeyValuePair<int, bool>(json.Position, member == "removed"));
                    json.Skip();
                }
            }
            if (name == null) throw new ProtocolException("the request lacks 'name'");
            // Texts are compared as they are written, which these are not.
            expectedAttribute = name.IndexOfAny(Escaped) < 0 ? attribute : null;
            int end = json.Position;
            if (skipped != null)
                foreach (KeyValuePair<int, bool> list in skipped)
                {
                    json.Position = list.Key;
                    ReadValues(attribute, json, list.Value, values);
                    json.Position = end;
                }
            return new AttributeChangeDetached(name, AttributeModificationOf(modification), values, attribute == null ? AttributeType.String : attribute.DataType,
                attribute != null && attribute.IsMultiValued, attribute != null && attribute.IsAnchor);
        }

        private static SchemaAttribute AttributeOf(SchemaType type, string name, SchemaAttribute expected)
        {
            if (name == null) return null;
            if (expected != null && ReferenceEquals(expected.Name, name)) return expected;
            return type.Attributes.Contains(name) ? type.Attributes[name] : null;
        }

        private static void ReadValues(SchemaAttribute attribute, JsonReader json, bool removed, List<ValueChange> into)
        {
            AttributeType type = attribute == null ? AttributeType.String : attribute.DataType;
            json.Begin('[');
            for (bool first = true; json.More(ref first, ']');)
                into.Add(new ValueChange(WireValues.Read(type, json.ReadValue()), removed ? ValueModificationType.Delete : ValueModificationType.Add));
        }

        private static AttributeModificationType AttributeModificationOf(string modification)
        {
            switch (modification)
            {
                case "add": return AttributeModificationType.Add;
                case "replace": return AttributeModificationType.Replace;
                case "update": return AttributeModificationType.Update;
                case "delete": return AttributeModificationType.Delete;
            }
            throw new ProtocolException("there is no attribute modification '" + modification + "'");
        }

        private static ObjectModificationType ModificationOf(string modification)
        {
            switch (modification)
            {
                case "add": return ObjectModificationType.Add;
                case "replace": return ObjectModificationType.Replace;
                case "update": return ObjectModificationType.Update;
                case "delete": return ObjectModificationType.Delete;
            }
            throw new ProtocolException("there is no modification '" + modification + "'");
        }

        private static void WriteResult(JsonWriter writer, CSEntryChangeResult result, Dictionary<Guid, Sent> sent)
        {
            Sent change;
            // A result for nothing that was sent keeps its identifier: the host makes an error of it (R19).
            if (!sent.TryGetValue(result.Identifier, out change)) change = new Sent { Id = result.Identifier.ToString() };
            writer.Open('{').Field("id", change.Id);
            if (result.ErrorCode != MAExportError.Success) EntryWriter.WriteError(writer, NameOf(result.ErrorCode), result.ErrorName, result.ErrorDetail);
            else if (change.Type != null) WriteAssigned(writer, result, change.Type);
            writer.Close('}');
        }

        private static void WriteAssigned(JsonWriter writer, CSEntryChangeResult result, SchemaType type)
        {
            if (result.AnchorAttributes == null || result.AnchorAttributes.Count == 0) return;
            string dn = null;
            foreach (bool anchors in new[] { true, false })
            {
                writer.Name(anchors ? "anchor" : "attributes").Open('{');
                foreach (AttributeChange change in result.AnchorAttributes)
                {
                    if (change.Name == DetachedUtils.DNAttributeName && !type.Attributes.Contains(change.Name)) dn = First(change) as string ?? dn;
                    if (!type.Attributes.Contains(change.Name) || type.Attributes[change.Name].IsAnchor != anchors) continue;
                    object value = First(change);
                    if (value == null) continue;
                    SchemaAttribute attribute = type.Attributes[change.Name];
                    writer.Name(attribute.Name);
                    if (!attribute.IsMultiValued) WireValues.Write(writer, attribute.Name, attribute.DataType, value);
                    else
                    {
                        writer.Open('[');
                        foreach (ValueChange one in change.ValueChanges)
                            if (one.ModificationType != ValueModificationType.Delete && one.Value != null) WireValues.Write(writer, attribute.Name, attribute.DataType, one.Value);
                        writer.Close(']');
                    }
                }
                writer.Close('}');
            }
            writer.Field("dn", dn);
        }

        private static object First(AttributeChange change)
        {
            foreach (ValueChange value in change.ValueChanges)
                if (value.ModificationType != ValueModificationType.Delete) return value.Value;
            return null;
        }

        private static string NameOf(MAExportError error)
        {
            return Enum.IsDefined(typeof(MAExportError), error) ? error.ToString() : "error-" + (int)error;
        }

        private struct Sent
        {
            internal string Id;
            internal SchemaType Type;
        }
    }
}
