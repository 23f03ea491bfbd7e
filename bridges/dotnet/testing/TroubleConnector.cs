using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security;
using System.Threading;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Testing
{
    /// <summary>
    /// A connector that misbehaves on demand, as real ones do by accident. The parameter Trouble says how, the parameter When in which
    /// call. Internal, and with every member implemented explicitly: what Microsoft's host refuses.
    /// </summary>
    internal sealed class TroubleConnector : IMAExtensible2GetCapabilities, IMAExtensible2GetParameters, IMAExtensible2GetSchema, IMAExtensible2CallImport, IMAExtensible2CallExport, IMAExtensible2Password
    {
        private static int runs;
        private KeyedCollection<string, ConfigParameter> values;
        private Schema types;
        private int page;
        private int pageSize;

        MACapabilities IMAExtensible2GetCapabilities.Capabilities
        {
            get { return new MACapabilities { DistinguishedNameStyle = MADistinguishedNameStyle.None }; }
        }

        IList<ConfigParameterDefinition> IMAExtensible2GetParameters.GetConfigParameters(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page)
        {
            if (page != ConfigParameterPage.Connectivity) return null;
            return new[] { "Trouble", "When", "Entries" }.Select(name => ConfigParameterDefinition.CreateStringParameter(name, null)).Concat(new[] { ConfigParameterDefinition.CreateEncryptedStringParameter("Password", null) }).ToList();
        }

        ParameterValidationResult IMAExtensible2GetParameters.ValidateConfigParameters(KeyedCollection<string, ConfigParameter> configParameters, ConfigParameterPage page)
        {
            values = configParameters;
            Act("validate");
            return new ParameterValidationResult();
        }

        Schema IMAExtensible2GetSchema.GetSchema(KeyedCollection<string, ConfigParameter> configParameters)
        {
            values = configParameters;
            Act("schema");
            Schema schema = Schema.Create();
            SchemaType person = SchemaType.Create("person", false);
            person.Attributes.Add(SchemaAttribute.CreateAnchorAttribute("id", AttributeType.String));
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("name", AttributeType.String));
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("number", AttributeType.Integer));
            person.Attributes.Add(SchemaAttribute.CreateMultiValuedAttribute("many", AttributeType.String));
            if (Trouble == "schema-changes" && Interlocked.Increment(ref runs) > 1) person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("new", AttributeType.String));
            schema.Types.Add(person);
            return schema;
        }

        int IMAExtensible2CallImport.ImportDefaultPageSize
        {
            get { return 0; }
        }

        int IMAExtensible2CallImport.ImportMaxPageSize
        {
            get { return 100000; }
        }

        OpenImportConnectionResults IMAExtensible2CallImport.OpenImportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenImportConnectionRunStep importRunStep)
        {
            values = configParameters;
            this.types = types;
            pageSize = importRunStep.PageSize;
            Act("open-import");
            // What one run left comes back to the next as it was.
            if (Trouble == "custom-data" && importRunStep.ImportType == OperationType.Delta && (importRunStep.CustomData ?? "").Length != 5 * 1024 * 1024) throw new InvalidOperationException("the custom data of the last run are lost");
            return Trouble == "custom-data" ? new OpenImportConnectionResults(new string('x', 5 * 1024 * 1024)) : null;
        }

        GetImportEntriesResults IMAExtensible2CallImport.GetImportEntries(GetImportEntriesRunStep importRunStep)
        {
            page++;
            Act("import");
            int count = int.Parse(values["Entries"].Value.Length == 0 ? "3" : values["Entries"].Value);
            List<CSEntryChange> entries = new List<CSEntryChange>();
            // All at once, whatever the page size: some connectors do all their work in the first call.
            for (int index = 0; index < count; index++) entries.Add(Entry(index));
            if (Trouble == "two-pages") return new GetImportEntriesResults(null, page < 2, entries);
            if (Trouble == "empty-pages") return new GetImportEntriesResults { CustomData = "c", MoreToImport = page < 3, CSEntries = page == 2 ? entries : null };
            if (Trouble == "custom-data" && importRunStep.CustomData.Length != 5 * 1024 * 1024) throw new InvalidOperationException("the custom data are lost");
            return new GetImportEntriesResults(importRunStep.CustomData, false, Trouble == "array" ? (IList<CSEntryChange>)entries.ToArray() : entries);
        }

        CloseImportConnectionResults IMAExtensible2CallImport.CloseImportConnection(CloseImportConnectionRunStep importRunStep)
        {
            Act("close-import");
            return null;
        }

        private CSEntryChange Entry(int index)
        {
            CSEntryChange entry = CSEntryChange.Create();
            entry.ObjectType = "person";
            if (Trouble != "no-modification") entry.ObjectModificationType = ObjectModificationType.Add;
            if (Trouble == "anchor-in-attributes") entry.AttributeChanges.Add(AttributeChange.CreateAttributeAdd("id", "e" + index));
            else if (Trouble != "no-anchor" || index != 1) entry.AnchorAttributes.Add(AnchorAttribute.Create("id", Trouble == "same-anchor" ? "e0" : "e" + index));
            entry.AttributeChanges.Add(AttributeChange.CreateAttributeAdd("name", (object)("Name " + index)));
            object number = index;
            if (Trouble == "wrong-type" && index == 1) number = new DateTime(2020, 1, 1);
            if (Trouble == "text-numbers") number = index.ToString();
            entry.AttributeChanges.Add(AttributeChange.CreateAttributeAdd("number", number));
            if (Trouble == "not-selected") entry.AttributeChanges.Add(AttributeChange.CreateAttributeAdd("unknown", (object)"x"));
            if (Trouble == "huge" && index == 0) entry.AttributeChanges.Add(AttributeChange.CreateAttributeAdd("many", Enumerable.Range(0, 200000).Select(one => (object)("value " + one)).ToList()));
            if (Trouble == "entry-error" && index == 1)
            {
                entry.ErrorCodeImport = MAImportError.ImportErrorCustomContinueRun;
                entry.ErrorName = "bad-row";
                entry.ErrorDetail = "row 1 is bad";
            }
            if (Trouble == "entry-stop" && index == 1)
            {
                entry.ErrorCodeImport = MAImportError.ImportErrorCustomStopRun;
                entry.ErrorDetail = "nothing goes any more";
            }
            return entry;
        }

        int IMAExtensible2CallExport.ExportDefaultPageSize
        {
            get { return 10; }
        }

        int IMAExtensible2CallExport.ExportMaxPageSize
        {
            get { return 100; }
        }

        void IMAExtensible2CallExport.OpenExportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenExportConnectionRunStep exportRunStep)
        {
            values = configParameters;
            Act("open-export");
        }

        PutExportEntriesResults IMAExtensible2CallExport.PutExportEntries(IList<CSEntryChange> csentries)
        {
            Act("export");
            if (Trouble == "no-results") return null;
            PutExportEntriesResults results = new PutExportEntriesResults();
            IEnumerable<CSEntryChange> order = Trouble == "out-of-order" ? csentries.Reverse() : csentries;
            foreach (CSEntryChange change in order)
            {
                if (Trouble == "some-results" && change == csentries[0]) continue;
                if (Trouble == "looks-up-by-name" && change.ObjectModificationType != ObjectModificationType.Add && change.DN != (string)change.AnchorAttributes[0].Value) throw new InvalidOperationException("no row is called '" + change.DN + "'");
                MAExportError error = Trouble == "unknown-error" ? (MAExportError)99 : MAExportError.Success;
                results.CSEntryChangeResults.Add(CSEntryChangeResult.Create(Trouble == "foreign-result" ? Guid.NewGuid() : change.Identifier, null, error, error == MAExportError.Success ? null : "odd", null));
                if (Trouble == "same-result-twice") results.CSEntryChangeResults.Add(CSEntryChangeResult.Create(change.Identifier, null, MAExportError.Success));
            }
            return results;
        }

        void IMAExtensible2CallExport.CloseExportConnection(CloseExportConnectionRunStep exportRunStep)
        {
            if (exportRunStep.Reason != CloseReason.Normal) Console.WriteLine("closed for " + exportRunStep.Reason);
            Act("close-export");
        }

        void IMAExtensible2Password.OpenPasswordConnection(KeyedCollection<string, ConfigParameter> configParameters, Partition partition)
        {
            values = configParameters;
        }

        ConnectionSecurityLevel IMAExtensible2Password.GetConnectionSecurityLevel()
        {
            return ConnectionSecurityLevel.NotSecure;
        }

        void IMAExtensible2Password.SetPassword(CSEntry csentry, SecureString newPassword, PasswordOptions options)
        {
            Act("password");
            if (newPassword.Length == 4 && csentry["id"].Value == "e1" && csentry.DN.ToString() == "e1" && csentry["name"].IsPresent == false && options == PasswordOptions.UnlockAccount) return;
            throw new PasswordExtensionException("not what was sent");
        }

        void IMAExtensible2Password.ChangePassword(CSEntry csentry, SecureString oldPassword, SecureString newPassword)
        {
            throw new OldPasswordIncorrectException("wrong");
        }

        void IMAExtensible2Password.ClosePasswordConnection()
        {
        }

        private string Trouble
        {
            get { return values["Trouble"].Value; }
        }

        private void Act(string call)
        {
            if (values["When"].Value != call) return;
            switch (Trouble)
            {
                case "loop":
                    for (;;) page |= 1;
                case "hang":
                    Thread.Sleep(Timeout.Infinite);
                    return;
                case "stack":
                    Recurse(1);
                    return;
                case "exit":
                    Environment.Exit(3);
                    return;
                case "kill":
                    Process.GetCurrentProcess().Kill();
                    return;
                case "thread-throws":
                    Thread thread = new Thread(() => { throw new InvalidOperationException("on a thread of its own"); });
                    thread.Start();
                    thread.Join();
                    return;
                case "threads":
                    for (int index = 0; index < 4; index++) new Thread(() => Thread.Sleep(Timeout.Infinite)).Start();
                    return;
                case "print":
                    Console.WriteLine("printed");
                    Console.Error.WriteLine("printed as an error");
                    Trace.WriteLine("traced");
                    Console.ReadLine();
                    puts("printed by native code");
                    fflush(IntPtr.Zero);
                    return;
                case "flood":
                    string line = new string('x', 1024);
                    for (int index = 0; index < 300000; index++) Console.WriteLine(line);
                    return;
                case "child":
                    Process.Start(new ProcessStartInfo("sh", "-c \"echo printed by a child; cat\"") { UseShellExecute = false }).WaitForExit();
                    return;
                case "beside":
                    string folder = Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location);
                    File.AppendAllText(Path.Combine(folder, "state.txt"), "x");
                    File.AppendAllText(Path.Combine(MAUtils.MAFolder, "own.txt"), "x");
                    if (!File.Exists("own.txt")) throw new InvalidOperationException("the working folder is not the connector's");
                    return;
                case "secret":
                    Console.WriteLine("the password is " + Marshal.PtrToStringUni(Marshal.SecureStringToGlobalAllocUnicode(values["Password"].SecureValue)));
                    throw new BadServerCredentialsException("refused: " + Marshal.PtrToStringUni(Marshal.SecureStringToGlobalAllocUnicode(values["Password"].SecureValue)));
                case "culture":
                    throw new ServerDownException(string.Format("{0:N1} {1:HH}", 1234.5, new DateTime(2026, 7, 1, 0, 0, 0, DateTimeKind.Utc).ToLocalTime()));
                case "missing-parameter":
                    values["Not there"].Value.Trim();
                    return;
            }
            if (!Trouble.EndsWith("Exception", StringComparison.Ordinal)) return;
            Type type = typeof(CSEntryChange).Assembly.GetType("Microsoft.MetadirectoryServices." + Trouble) ?? typeof(object).Assembly.GetType("System." + Trouble, true);
            throw (Exception)Activator.CreateInstance(type, "it happened");
        }

        private static int Recurse(int depth)
        {
            return depth == -1 ? 0 : Recurse(depth + 1) + 1;
        }

        [DllImport("libc")]
        private static extern int puts(string text);

        [DllImport("libc")]
        private static extern int fflush(IntPtr stream);
    }
}
