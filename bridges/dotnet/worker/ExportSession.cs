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
            foreach (object item in request.Params.List("changes"))
            {
                Fields wire = new Fields(item);
                CSEntryChange change = ReadChange(wire);
                changes.Add(change);
                sent[change.Identifier] = new Sent { Id = wire.Required("id"), Type = TypeOf(wire) };
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

        private SchemaType TypeOf(Fields wire)
        {
            string name = wire.Required("objectType");
            if (!schema.Types.Contains(name)) throw new ProtocolException("the object type '" + name + "' is not in the schema of the session");
            return schema.Types[name];
        }

        private CSEntryChange ReadChange(Fields wire)
        {
            SchemaType type = TypeOf(wire);
            ObjectModificationType modification = ModificationOf(wire.Required("modification"));
            CSEntryChangeDetached change = new CSEntryChangeDetached(Guid.NewGuid(), modification, MAImportError.Success, null);
            change.ObjectType = type.Name;
            change.DN = wire.Text("dn");
            foreach (KeyValuePair<string, object> anchor in wire.Object("anchor").All)
            {
                AttributeType dataType = type.Attributes.Contains(anchor.Key) ? type.Attributes[anchor.Key].DataType : AttributeType.String;
                change.AnchorAttributes.Add(new AnchorAttributeDetached(anchor.Key, dataType, WireValues.Read(dataType, anchor.Value)));
            }
            // Without distinguished names an entry that exists is named by its anchor: connectors look rows up by DN. Files have the names they have.
            if (change.DN == null && !(connector is FileExport) && modification != ObjectModificationType.Add && change.AnchorAttributes.Count > 0)
                change.DN = WireValues.NameOf(wire.Object("anchor"));
            foreach (object item in wire.List("changes")) change.AttributeChanges.Add(ReadAttributeChange(type, new Fields(item)));
            string newDn = wire.Text("newDn");
            if (newDn != null) change.AttributeChanges.Add(Rename(change.DN, newDn));
            string password = wire.Text("password");
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

        private static AttributeChange ReadAttributeChange(SchemaType type, Fields wire)
        {
            string name = wire.Required("name");
            bool known = type.Attributes.Contains(name);
            AttributeType dataType = known ? type.Attributes[name].DataType : AttributeType.String;
            bool multiValued = known && type.Attributes[name].IsMultiValued;
            List<ValueChange> values = new List<ValueChange>();
            AttributeModificationType modification;
            switch (wire.Required("modification"))
            {
                case "add":
                    modification = AttributeModificationType.Add;
                    Append(values, dataType, wire.List("values"), ValueModificationType.Add);
                    break;
                case "replace":
                    modification = AttributeModificationType.Replace;
                    Append(values, dataType, wire.List("values"), ValueModificationType.Add);
                    break;
                case "update":
                    modification = AttributeModificationType.Update;
                    Append(values, dataType, wire.List("added"), ValueModificationType.Add);
                    Append(values, dataType, wire.List("removed"), ValueModificationType.Delete);
                    break;
                case "delete":
                    modification = AttributeModificationType.Delete;
                    break;
                default:
                    throw new ProtocolException("there is no attribute modification '" + wire.Text("modification") + "'");
            }
            return new AttributeChangeDetached(name, modification, values, dataType, multiValued, known && type.Attributes[name].IsAnchor);
        }

        private static void Append(List<ValueChange> values, AttributeType type, List<object> wire, ValueModificationType modification)
        {
            foreach (object value in wire) values.Add(new ValueChange(WireValues.Read(type, value), modification));
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
            string dn = null;
            foreach (bool anchors in new[] { true, false })
            {
                writer.Name(anchors ? "anchor" : "attributes").Open('{');
                foreach (AttributeChange change in result.AnchorAttributes ?? new List<AttributeChange>())
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
