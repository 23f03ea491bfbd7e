using System;
using System.Collections.Generic;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Worker
{
    /// <summary>A session: an object of the connector, on a lane of its own.</summary>
    internal abstract class Session
    {
        protected Session(string name)
        {
            Lane = new Lane(name);
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

        internal ImportSession(IMAExtensible2CallImport connector, Action<string> warn) : base("import")
        {
            if (connector == null) throw new WorkerException("not-supported", "no class of the connector implements IMAExtensible2CallImport or IMAExtensible2FileImport");
            this.connector = connector;
            entries = new EntryWriter(warn);
        }

        internal void Open(Request request, ConfigParameterSet parameters, int number)
        {
            Fields step = request.Params.Object("step");
            Schema schema = WireSchema.Read(step.Object("schema"));
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
            if (position >= page.Count && more) ReadPage();
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

        private void ReadPage()
        {
            GetImportEntriesResults results = connector.GetImportEntries(new GetImportEntriesRunStep(null, customData));
            if (results == null) throw new WorkerException("invalid-data", "the connector's GetImportEntries returned nothing");
            IList<CSEntryChange> found = results.CSEntries;
            page = found == null ? new CSEntryChange[0] : found.IsReadOnly || !(found is List<CSEntryChange>) ? new List<CSEntryChange>(found) : found;
            position = 0;
            more = results.MoreToImport;
            customData = results.CustomData ?? customData;
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
