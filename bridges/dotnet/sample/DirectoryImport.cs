using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Sample
{
    public sealed partial class DirectoryConnector
    {
        // Set once: a host that used the same object for two runs would import nothing in the second.
        private bool moreToImport = true;
        private IEnumerator<CSEntryChange> entries;
        private int importPage;
        private int pages;
        private string watermark;

        int IMAExtensible2CallImport.ImportDefaultPageSize
        {
            get { return 500; }
        }

        int IMAExtensible2CallImport.ImportMaxPageSize
        {
            get { return 5000; }
        }

        OpenImportConnectionResults IMAExtensible2CallImport.OpenImportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenImportConnectionRunStep importRunStep)
        {
            Open(configParameters, types);
            importPage = importRunStep.PageSize;
            watermark = store.CountChanges().ToString();
            store.LogCall("open-import " + importRunStep.ImportType + " page=" + importRunStep.PageSize + " partition=" + (importRunStep.StepPartition == null ? "" : importRunStep.StepPartition.DN)
                + " included=" + Names(importRunStep.InclusionHierarchyNodes) + " excluded=" + Names(importRunStep.ExclusionHierarchyNodes) + " watermark=" + importRunStep.CustomData);
            entries = (importRunStep.ImportType == OperationType.Delta ? ReadDelta(importRunStep) : ReadAll(importRunStep)).GetEnumerator();
            return new OpenImportConnectionResults();
        }

        GetImportEntriesResults IMAExtensible2CallImport.GetImportEntries(GetImportEntriesRunStep importRunStep)
        {
            List<CSEntryChange> page = new List<CSEntryChange>();
            while (moreToImport && page.Count < importPage)
            {
                moreToImport = entries.MoveNext();
                if (moreToImport) page.Add(entries.Current);
            }
            AddFullObjects(page, importRunStep.FullObjectEntries);
            store.WaitAt("import");
            if (++pages == 2) store.DieAt("import");
            return new GetImportEntriesResults(watermark, moreToImport, page);
        }

        /// <summary>Objects that the host wants whole, because an update spoke of them and it has none.</summary>
        private void AddFullObjects(List<CSEntryChange> page, IList<CSEntryChange> wanted)
        {
            foreach (CSEntryChange one in wanted)
            {
                store.LogCall("full-object " + one.ObjectType + " " + KeyOf(one));
                StoredObject item = store.Read(one.ObjectType, KeyOf(one));
                if (item == null) continue;
                CSEntryChange entry = Entry(schema.Types[one.ObjectType], item);
                entry.ObjectModificationType = ObjectModificationType.Replace;
                page.Add(entry);
            }
        }

        CloseImportConnectionResults IMAExtensible2CallImport.CloseImportConnection(CloseImportConnectionRunStep importRunStep)
        {
            store.LogCall("close-import " + importRunStep.Reason);
            return importRunStep.Reason == CloseReason.Normal ? new CloseImportConnectionResults(watermark) : new CloseImportConnectionResults();
        }

        private IEnumerable<CSEntryChange> ReadAll(OpenImportConnectionRunStep step)
        {
            foreach (SchemaType type in schema.Types)
                foreach (StoredObject item in store.List(type.Name))
                    if (InScope(item.Dn, step)) yield return Entry(type, item);
        }

        private IEnumerable<CSEntryChange> ReadDelta(OpenImportConnectionRunStep step)
        {
            int from;
            List<string[]> changes;
            try
            {
                if (!int.TryParse(step.CustomData, out from)) throw new ArgumentOutOfRangeException();
                changes = store.ChangesAfter(from);
            }
            catch (ArgumentOutOfRangeException)
            {
                throw new WarningNoWatermarkException("the change log does not know the watermark '" + step.CustomData + "'");
            }
            foreach (string[] change in changes)
            {
                if (!schema.Types.Contains(change[0])) continue;
                StoredObject item = store.Read(change[0], change[1]);
                if (item != null)
                {
                    if (!InScope(item.Dn, step)) continue;
                    CSEntryChange changed = Entry(schema.Types[change[0]], item);
                    if (change[2] == "update" && settings.Flag(Settings.Updates)) changed.ObjectModificationType = ObjectModificationType.Update;
                    yield return changed;
                    continue;
                }
                CSEntryChange gone = CSEntryChange.Create();
                gone.ObjectModificationType = ObjectModificationType.Delete;
                gone.ObjectType = change[0];
                if (change[3].Length > 0) gone.DN = change[3];
                AddAnchors(gone, change[1]);
                yield return gone;
            }
        }

        private CSEntryChange Entry(SchemaType type, StoredObject item)
        {
            CSEntryChange entry = CSEntryChange.Create();
            entry.ObjectModificationType = ObjectModificationType.Add;
            entry.ObjectType = type.Name;
            entry.DN = item.Dn;
            AddAnchors(entry, item.Key);
            foreach (KeyValuePair<string, List<string>> attribute in item.Values)
            {
                if (!type.Attributes.Contains(attribute.Key) || type.Attributes[attribute.Key].IsAnchor) continue;
                SchemaAttribute definition = type.Attributes[attribute.Key];
                List<object> values = attribute.Value.ConvertAll(text => DirectorySchema.FromText(definition.DataType, text));
                entry.AttributeChanges.Add(AttributeChange.CreateAttributeAdd(attribute.Key, values));
            }
            return entry;
        }

        private void AddAnchors(CSEntryChange entry, string key)
        {
            if (settings.Flag(Settings.DnAnchor)) return;
            string[] parts = key.Split('|');
            if (settings.Flag(Settings.Composite)) entry.AnchorAttributes.Add(AnchorAttribute.Create(DirectorySchema.Region, parts[0]));
            entry.AnchorAttributes.Add(AnchorAttribute.Create(DirectorySchema.Key, parts[parts.Length - 1]));
        }

        private static bool InScope(string dn, OpenImportConnectionRunStep step)
        {
            // Without a name an object belongs to the first partition.
            if (dn == null) return step.StepPartition == null || step.StepPartition.DN == "DC=sample";
            if (step.StepPartition != null && !EndsWith(dn, step.StepPartition.DN)) return false;
            foreach (HierarchyNode node in step.ExclusionHierarchyNodes)
                if (EndsWith(dn, node.DN)) return false;
            if (step.InclusionHierarchyNodes.Count == 0) return true;
            foreach (HierarchyNode node in step.InclusionHierarchyNodes)
                if (EndsWith(dn, node.DN)) return true;
            return false;
        }

        private static bool EndsWith(string dn, string suffix)
        {
            return dn.Equals(suffix, StringComparison.OrdinalIgnoreCase) || dn.EndsWith("," + suffix, StringComparison.OrdinalIgnoreCase);
        }

        private static string Names(IList<HierarchyNode> nodes)
        {
            List<string> names = new List<string>();
            foreach (HierarchyNode node in nodes) names.Add(node.DN);
            return string.Join(";", names.ToArray());
        }
    }
}
