using System;
using System.Collections.Generic;
using Microsoft.MetadirectoryServices;
using Microsoft.MetadirectoryServices.DetachedObjectModel;

namespace Landbridge.Worker
{
    /// <summary>A session: an object of the connector, on a lane that nothing else uses meanwhile.</summary>
    internal abstract class Session
    {
        protected Session(Lane lane)
        {
            Lane = lane;
        }

        internal Lane Lane { get; private set; }
    }

    /// <summary>
    /// One import. The connector pages as it likes; batches to the host have at most as many entries as it asked for, and not much
    /// more than a mebibyte, so that a connector that brings everything at once does not fill a line with it.
    /// </summary>
    internal sealed class ImportSession : Session
    {
        private const int BatchBytes = 1024 * 1024;
        private readonly IMAExtensible2CallImport connector;
        private readonly EntryWriter entries;
        private IList<CSEntryChange> page = new CSEntryChange[0];
        private int position;
        private bool more = true;
        private bool open;
        private string customData;
        private Schema schema;

        internal ImportSession(Lane lane, IMAExtensible2CallImport connector, Action<string> warn) : base(lane)
        {
            if (connector == null) throw new WorkerException("not-supported", "no class of the connector implements IMAExtensible2CallImport or IMAExtensible2FileImport");
            this.connector = connector;
            entries = new EntryWriter(warn);
        }

        internal void Open(Request request, ConfigParameterSet parameters, int number)
        {
            Fields step = request.Params.Object("step");
            schema = WireSchema.Read(step.Object("schema"));
            entries.Select(schema);
            customData = step.Text("watermark");
            OperationType type = step.Text("kind") == "delta" ? OperationType.Delta : OperationType.Full;
            OpenImportConnectionRunStep runStep = new OpenImportConnectionRunStep(
                WireSchema.ReadPartition(step.Object("partition")), type, Math.Max(1, step.Number("pageSize", 100)), customData,
                WireSchema.ReadNodes(step.List("included")), WireSchema.ReadNodes(step.List("excluded")));
            OpenImportConnectionResults results = connector.OpenImportConnection(parameters, schema, runStep);
            open = true;
            customData = (results == null ? null : results.CustomData) ?? customData;
            request.Answer(Lane.Writer, writer => writer.Field("session", number));
        }

        internal void Read(Request request)
        {
            int limit = Math.Max(1, request.Params.Number("limit", 500));
            List<object> wanted = request.Params.List("fullObjects");
            if (wanted.Count > 0) ReadPage(ReadIdentities(wanted));
            else if (position >= page.Count && more) ReadPage(null);
            request.Answer(Lane.Writer, writer =>
            {
                writer.Name("entries").Open('[');
                int start = writer.Length;
                for (int count = 0; count < limit && position < page.Count && writer.Length - start < BatchBytes; count++)
                {
                    entries.Write(writer, page[position]);
                    page[position++] = null;
                }
                writer.Close(']').Field("more", position < page.Count || more);
                if (position >= page.Count) writer.Field("watermark", customData);
            });
        }

        /// <summary>The next page; with what the host wants whole, which the connector may bring along or alone (OperationType.FullObject).</summary>
        private void ReadPage(IList<CSEntryChange> wanted)
        {
            GetImportEntriesResults results = connector.GetImportEntries(new GetImportEntriesRunStep(wanted, customData));
            if (results == null) throw new WorkerException("invalid-data", "the connector's GetImportEntries returned nothing");
            IList<CSEntryChange> found = results.CSEntries;
            List<CSEntryChange> left = new List<CSEntryChange>();
            for (; position < page.Count; position++) left.Add(page[position]);
            page = found == null ? new CSEntryChange[0] : left.Count > 0 || found.IsReadOnly || !(found is List<CSEntryChange>) ? new List<CSEntryChange>(found) : found;
            if (left.Count > 0)
            {
                left.AddRange(page);
                page = left;
            }
            position = 0;
            more = results.MoreToImport;
            customData = results.CustomData ?? customData;
        }

        private IList<CSEntryChange> ReadIdentities(List<object> wanted)
        {
            List<CSEntryChange> identities = new List<CSEntryChange>();
            foreach (object item in wanted)
            {
                Fields wire = new Fields(item);
                CSEntryChangeDetached identity = new CSEntryChangeDetached(Guid.NewGuid(), ObjectModificationType.None, MAImportError.Success, null);
                identity.ObjectType = wire.Required("objectType");
                identity.DN = wire.Text("dn");
                SchemaType type = schema.Types.Contains(identity.ObjectType) ? schema.Types[identity.ObjectType] : null;
                foreach (KeyValuePair<string, object> anchor in wire.Object("anchor").All)
                {
                    AttributeType dataType = type != null && type.Attributes.Contains(anchor.Key) ? type.Attributes[anchor.Key].DataType : AttributeType.String;
                    identity.AnchorAttributes.Add(new AnchorAttributeDetached(anchor.Key, dataType, WireValues.Read(dataType, anchor.Value)));
                }
                identities.Add(identity);
            }
            return identities;
        }

        internal void Close(Request request)
        {
            string final = null;
            if (open)
            {
                open = false;
                CloseReason reason = WireSchema.ReadReason(request.Params.Text("reason"));
                CloseImportConnectionResults results = connector.CloseImportConnection(new CloseImportConnectionRunStep(reason, customData));
                final = results == null ? null : results.CustomData;
            }
            request.Answer(Lane.Writer, writer => writer.Field("watermark", final));
        }
    }
}
