using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Diagnostics;
using System.Reflection;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Testing
{
    /// <summary>Drives a connector without any protocol: the floor of the bench. Prints nanoseconds for each imported and each exported entry.</summary>
    internal static class BenchLoop
    {
        private const int Batch = 100;

        private sealed class Parameters : KeyedCollection<string, ConfigParameter>
        {
            protected override string GetKeyForItem(ConfigParameter item)
            {
                return item.Name;
            }
        }

        private static void Main(string[] values)
        {
            Type type = Assembly.LoadFrom(values[0]).GetType("Landbridge.Testing.BenchConnector", true);
            int count = int.Parse(values[1]);
            // Once to warm up, once to measure.
            Import(type, Math.Min(count, 20000));
            Export(type, Math.Min(count, 20000));
            double import = Import(type, count);
            double export = Export(type, count);
            Console.WriteLine("{\"importNanoseconds\":" + (long)import + ",\"exportNanoseconds\":" + (long)export + "}");
        }

        private static double Import(Type type, int count)
        {
            IMAExtensible2CallImport connector = (IMAExtensible2CallImport)Activator.CreateInstance(type);
            Parameters parameters = new Parameters { new ConfigParameter("Entries", count.ToString()) };
            Schema schema = ((IMAExtensible2GetSchema)connector).GetSchema(parameters);
            Stopwatch watch = Stopwatch.StartNew();
            connector.OpenImportConnection(parameters, schema, new OpenImportConnectionRunStep(null, OperationType.Full, 500, null, null, null));
            long seen = 0;
            for (bool more = true; more;)
            {
                GetImportEntriesResults page = connector.GetImportEntries(new GetImportEntriesRunStep());
                more = page.MoreToImport;
                foreach (CSEntryChange entry in page.CSEntries) seen += entry.AttributeChanges.Count;
            }
            connector.CloseImportConnection(new CloseImportConnectionRunStep());
            if (seen == 0) throw new InvalidOperationException("nothing was imported");
            return watch.Elapsed.TotalMilliseconds * 1e6 / count;
        }

        private static double Export(Type type, int count)
        {
            IMAExtensible2CallExport connector = (IMAExtensible2CallExport)Activator.CreateInstance(type);
            Stopwatch watch = Stopwatch.StartNew();
            for (int done = 0; done < count; done += Batch)
            {
                List<CSEntryChange> changes = new List<CSEntryChange>(Batch);
                for (int index = 0; index < Batch; index++)
                {
                    CSEntryChange change = CSEntryChange.Create();
                    change.ObjectType = "person";
                    change.ObjectModificationType = ObjectModificationType.Add;
                    for (int attribute = 0; attribute < 20; attribute++) change.AttributeChanges.Add(AttributeChange.CreateAttributeAdd("attribute" + attribute, (object)"abcdefghijklmnopqrstuvwxyz0123456"));
                    changes.Add(change);
                }
                connector.PutExportEntries(changes);
            }
            return watch.Elapsed.TotalMilliseconds * 1e6 / count;
        }
    }
}
