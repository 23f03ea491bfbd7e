using System;
using System.Collections.Generic;
using System.Threading;
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
    /// more than a mebibyte, so that a connector that brings everything at once does not fill a line with it. While one thread writes
    /// a page, the connector makes the next one on its own: never more than one ahead.
    /// </summary>
    internal sealed class ImportSession : Session
    {
        private const int BatchBytes = 1024 * 1024;
        private readonly IMAExtensible2CallImport connector;
        private readonly EntryWriter entries;
        private readonly object gate = new object();
        private readonly LanePool lanes;
        private Lane reading;
        private Page page = new Page { More = true };
        private Page ahead;
        private bool fetching;
        private int position;
        private bool open;
        private string customData;
        private Schema schema;

        internal ImportSession(Lane lane, LanePool lanes, IMAExtensible2CallImport connector, Action<string> warn) : base(lane)
        {
            this.lanes = lanes;
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
            reading = lanes.Take();
            customData = (results == null ? null : results.CustomData) ?? customData;
            request.Answer(Lane.Writer, writer => writer.Field("session", number));
        }

        /// <summary>The lane that answers reads; the connector's own stays free to make the next page.</summary>
        internal Lane Reading
        {
            get { return reading; }
        }

        internal void Read(Request request)
        {
            int limit = Math.Max(1, request.Params.Number("limit", 500));
            List<object> wanted = request.Params.List("fullObjects");
            if (wanted.Count > 0) Append(wanted);
            else if (position >= page.Entries.Count && page.More) Advance();
            request.Answer(reading.Writer, writer =>
            {
                List<CSEntryChange> found = page.Entries;
                writer.Name("entries").Open('[');
                int start = writer.Length;
                for (int count = 0; count < limit && position < found.Count && writer.Length - start < BatchBytes; count++)
                {
                    entries.Write(writer, found[position]);
                    found[position++] = null;
                }
                writer.Close(']').Field("more", position < found.Count || page.More);
                if (position >= found.Count) writer.Field("watermark", page.CustomData);
            });
        }

        private void Advance()
        {
            Page next = Await(null);
            if (next.Error != null) throw next.Error;
            page = next;
            position = 0;
            if (page.More && !page.Stops) Fetch(null);
        }

        /// <summary>What the host wants whole, after what is left of the present page (OperationType.FullObject).</summary>
        private void Append(List<object> wanted)
        {
            Page left = page;
            List<CSEntryChange> rest = left.Entries.GetRange(position, left.Entries.Count - position);
            Page made = Await(null, false);
            if (made != null) rest.AddRange(Checked(made).Entries);
            Page brought = Checked(Await(ReadIdentities(wanted)));
            rest.AddRange(brought.Entries);
            brought.Entries = rest;
            page = brought;
            position = 0;
        }

        private static Page Checked(Page made)
        {
            if (made.Error != null) throw made.Error;
            return made;
        }

        /// <summary>The page that is being made, or a new one; without `make` only one that is being made.</summary>
        private Page Await(IList<CSEntryChange> wanted, bool make = true)
        {
            lock (gate)
            {
                if (!fetching && ahead == null)
                {
                    if (!make) return null;
                    Fetch(wanted);
                }
                while (ahead == null) Monitor.Wait(gate);
                Page made = ahead;
                ahead = null;
                return made;
            }
        }

        private void Fetch(IList<CSEntryChange> wanted)
        {
            lock (gate) fetching = true;
            Lane.Do(() =>
            {
                Page made = Make(wanted);
                lock (gate)
                {
                    ahead = made;
                    fetching = false;
                    Monitor.Pulse(gate);
                }
            });
        }

        private Page Make(IList<CSEntryChange> wanted)
        {
            try
            {
                GetImportEntriesResults results = connector.GetImportEntries(new GetImportEntriesRunStep(wanted, customData));
                if (results == null) throw new WorkerException("invalid-data", "the connector's GetImportEntries returned nothing");
                customData = results.CustomData ?? customData;
                // A list of our own: connectors fill theirs again.
                Page made = new Page { More = results.MoreToImport, CustomData = customData };
                if (results.CSEntries != null) made.Entries.AddRange(results.CSEntries);
                foreach (CSEntryChange entry in made.Entries)
                    if (entry != null && entry.ErrorCodeImport == MAImportError.ImportErrorCustomStopRun) made.Stops = true;
                return made;
            }
            catch (Exception error)
            {
                return new Page { Error = error };
            }
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

        /// <summary>Called when every read before it was answered.</summary>
        internal void Close(Request request)
        {
            string final = null;
            reading.Do(() => lanes.Return(reading));
            if (open)
            {
                open = false;
                CloseReason reason = WireSchema.ReadReason(request.Params.Text("reason"));
                CloseImportConnectionResults results = connector.CloseImportConnection(new CloseImportConnectionRunStep(reason, customData));
                final = results == null ? null : results.CustomData;
            }
            request.Answer(Lane.Writer, writer => writer.Field("watermark", final));
        }

        private sealed class Page
        {
            internal List<CSEntryChange> Entries = new List<CSEntryChange>();
            internal bool More;
            internal string CustomData;
            /// <summary>A code in it ends the run: nothing more is asked of the connector.</summary>
            internal bool Stops;
            internal Exception Error;
        }
    }
}
