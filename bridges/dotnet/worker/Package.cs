using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Worker
{
    /// <summary>
    /// A connector's folder: finds its DLL, resolves what it refers to, finds the classes that implement the interfaces.
    /// The assembly of the contract is always ours, whatever lies beside the connector.
    /// </summary>
    internal sealed class Package
    {
        private const string ContractName = "Microsoft.MetadirectoryServicesEx";
        private static readonly Assembly Contract = typeof(CSEntryChange).Assembly;
        private readonly string directory;
        /// <summary>What the administrator calls the folder: this process runs from a copy of it.</summary>
        private readonly string called;
        private readonly string className;
        private readonly string powerShell;
        private readonly Action<string> warn;
        private readonly Dictionary<Type, Type> implementations = new Dictionary<Type, Type>();
        private readonly HashSet<string> reported = new HashSet<string>();
        private Assembly assembly;
        private Type[] types;

        internal Package(string directory, string called, string className, string powerShell, Action<string> warn)
        {
            this.powerShell = powerShell;
            this.directory = directory;
            this.called = called ?? directory;
            this.className = className;
            this.warn = warn;
            AppDomain.CurrentDomain.AssemblyResolve += (sender, request) => Resolve(request.Name);
        }

        internal Assembly Assembly
        {
            get { return assembly; }
        }

        internal string Directory
        {
            get { return directory; }
        }

        internal static IEnumerable<Type> Interfaces
        {
            get { return Contract.GetTypes().Where(type => type.IsInterface && type.Name.StartsWith("IMAExtensible2", StringComparison.Ordinal)); }
        }

        internal void Load(string dll)
        {
            if (!System.IO.Directory.Exists(directory)) throw Unusable("the folder of the package, " + called + ", does not exist: set directory to the folder with the connector's DLL");
            if (dll != null)
            {
                string file = Path.Combine(directory, dll);
                if (!File.Exists(file)) throw Unusable("there is no " + dll + " in " + called + "; there are: " + Names(ListDlls()));
                Use(LoadFile(file), true);
                return;
            }
            List<Assembly> candidates = new List<Assembly>();
            List<string> refused = new List<string>();
            foreach (string file in ListDlls())
            {
                AssemblyImage image = AssemblyImage.Read(file);
                if (!image.IsManaged || image.HasNativeCode)
                {
                    refused.Add(image.HasNativeCode ? Advice.NativeCode(file, image.Machine) : Path.GetFileName(file) + " is not a .NET assembly");
                    continue;
                }
                Assembly found = LoadFile(file);
                if (found.GetReferencedAssemblies().Any(reference => reference.Name == ContractName)) candidates.Add(found);
            }
            if (candidates.Count == 0)
                throw Unusable("no DLL in " + called + " refers to " + ContractName + ", so none is an ECMA2 connector; there are: " + Names(ListDlls()) + (refused.Count == 0 ? "" : ". " + string.Join(". ", refused)));
            // Helper libraries refer to the contract as well: what implements it is the connector.
            List<Assembly> connectors = candidates.Where(candidate => ImplementationsIn(TypesOf(candidate, false)).Count > 0).ToList();
            if (connectors.Count > 1) throw Unusable("several DLLs in " + called + " are ECMA2 connectors: " + string.Join(", ", connectors.Select(one => Path.GetFileName(one.Location))) + ". Name one with dll");
            Use(connectors.Count == 1 ? connectors[0] : candidates[0], true);
        }

        /// <summary>A new object of the class that implements the interface, or null where none does.</summary>
        internal T Create<T>() where T : class
        {
            Type type = Find(typeof(T));
            if (type == null) return null;
            return (T)CreateObject(type);
        }

        /// <summary>Set where the connector reads or writes files.</summary>
        internal FileFormat FileFormat { get; set; }

        internal bool IsFileBased
        {
            get { return Has(typeof(IMAExtensible2FileImport)) || Has(typeof(IMAExtensible2FileExport)); }
        }

        /// <summary>What is called for entries; a connector that writes files is driven as if it were. Null where there is neither.</summary>
        internal IMAExtensible2CallImport CreateImport()
        {
            IMAExtensible2CallImport called = Create<IMAExtensible2CallImport>();
            IMAExtensible2FileImport filed = called == null ? Create<IMAExtensible2FileImport>() : null;
            return filed == null ? called : new FileImport(filed, this, FileFormat);
        }

        internal IMAExtensible2CallExport CreateExport()
        {
            IMAExtensible2CallExport called = Create<IMAExtensible2CallExport>();
            IMAExtensible2FileExport filed = called == null ? Create<IMAExtensible2FileExport>() : null;
            return filed == null ? called : new FileExport(filed, this, FileFormat);
        }

        internal bool Has(Type contract)
        {
            return Find(contract) != null;
        }

        internal Type Find(Type contract)
        {
            Type found;
            return implementations.TryGetValue(contract, out found) ? found : null;
        }

        /// <summary>An object that serves several interfaces of one run must be one object where one class implements them.</summary>
        internal static object CreateObject(Type type)
        {
            try
            {
                return Activator.CreateInstance(type, true);
            }
            catch (MissingMethodException error)
            {
                throw new WorkerException("invalid-configuration", "the class " + type.FullName + " has no constructor without parameters: an ECMA2 connector needs one", error);
            }
            catch (TargetInvocationException error)
            {
                Exception cause = Errors.Unwrap(error);
                throw new WorkerException("invalid-configuration", "the constructor of " + type.FullName + " failed: " + Errors.MessageOf(cause) + ". It runs before any parameter is known: what it reads must be in the package's folder or in its configuration file", cause);
            }
        }

        private void Use(Assembly chosen, bool strict)
        {
            assembly = chosen;
            WarnOfMissingReferences();
            types = TypesOf(chosen, strict);
            foreach (KeyValuePair<Type, List<Type>> found in ImplementationsIn(types)) implementations[found.Key] = Choose(found.Key, found.Value);
            if (implementations.Count == 0)
                throw Unusable(Path.GetFileName(chosen.Location) + " has no class that implements an interface of ECMA 2 (IMAExtensible2…)" + Older(types) + ". Name the connector's own DLL with dll");
        }

        private static string Older(Type[] types)
        {
            bool old = types.Any(type => type.GetInterfaces().Any(one => one.Assembly == Contract && one.Name.StartsWith("IMAExtensible", StringComparison.Ordinal)));
            bool rules = types.Any(type => type.GetInterfaces().Any(one => one.Name == "IMASynchronization" || one.Name == "IMVSynchronization"));
            if (old) return "; it is a connector of ECMA 1, which must be rewritten for ECMA 2";
            return rules ? "; it is a rules extension, not a connector" : "";
        }

        private static Dictionary<Type, List<Type>> ImplementationsIn(IEnumerable<Type> types)
        {
            Dictionary<Type, List<Type>> result = new Dictionary<Type, List<Type>>();
            foreach (Type type in types)
            {
                if (!type.IsClass || type.IsAbstract || type.ContainsGenericParameters) continue;
                foreach (Type contract in Interfaces)
                {
                    if (!contract.IsAssignableFrom(type)) continue;
                    if (!result.ContainsKey(contract)) result[contract] = new List<Type>();
                    result[contract].Add(type);
                }
            }
            return result;
        }

        /// <summary>One class may be named; else the one that implements most, a derived class before its base.</summary>
        private Type Choose(Type contract, List<Type> candidates)
        {
            if (className != null)
            {
                Type named = candidates.FirstOrDefault(type => type.FullName == className || type.Name == className);
                if (named != null) return named;
            }
            if (candidates.Count == 1) return candidates[0];
            int most = candidates.Max(type => Breadth(type));
            List<Type> best = candidates.Where(type => Breadth(type) == most).ToList();
            List<Type> derived = best.Where(type => !best.Any(other => other != type && type.IsAssignableFrom(other))).ToList();
            if (derived.Count == 1) return derived[0];
            throw Unusable("several classes implement " + contract.Name + ": " + string.Join(", ", derived.Select(type => type.FullName)) + ". Name one with class");
        }

        private static int Breadth(Type type)
        {
            return Interfaces.Count(contract => contract.IsAssignableFrom(type));
        }

        private Type[] TypesOf(Assembly source, bool strict)
        {
            try
            {
                return source.GetTypes();
            }
            catch (ReflectionTypeLoadException error)
            {
                Type[] loaded = error.Types.Where(type => type != null).ToArray();
                string[] causes = error.LoaderExceptions.Where(cause => cause != null).Select(cause => Errors.MessageOf(cause)).Distinct().Take(5).ToArray();
                if (strict && ImplementationsIn(loaded).Count == 0)
                    throw new WorkerException("invalid-configuration", "the classes of " + Path.GetFileName(source.Location) + " cannot be loaded: " + string.Join("; ", causes), error);
                foreach (string cause in causes) Warn("a class of " + Path.GetFileName(source.Location) + " cannot be loaded: " + cause);
                return loaded;
            }
        }

        /// <summary>Says early what will fail late: references, direct and through the package's own files, that nothing satisfies.</summary>
        private void WarnOfMissingReferences()
        {
            Queue<Assembly> waiting = new Queue<Assembly>();
            HashSet<string> seen = new HashSet<string>();
            waiting.Enqueue(assembly);
            while (waiting.Count > 0)
            {
                Assembly one = waiting.Dequeue();
                foreach (AssemblyName reference in one.GetReferencedAssemblies())
                {
                    if (!seen.Add(reference.FullName)) continue;
                    Assembly found = null;
                    try
                    {
                        found = Assembly.Load(reference);
                    }
                    catch (Exception)
                    {
                        Warn(Path.GetFileName(one.Location) + ": " + Advice.MissingAssembly(reference.FullName));
                    }
                    if (found != null && found != Contract && InPackage(found)) waiting.Enqueue(found);
                }
            }
        }

        private bool InPackage(Assembly one)
        {
            return !one.IsDynamic && one.Location.StartsWith(directory, StringComparison.Ordinal);
        }

        private Assembly LoadFile(string file)
        {
            AssemblyImage image = AssemblyImage.Read(file);
            if (!image.IsExecutable) throw Unusable(Advice.NotAnAssembly(file, "it is no executable file"));
            if (!image.IsManaged) throw Unusable(Advice.NotAnAssembly(file, "it is a native library for " + image.Machine));
            if (image.HasNativeCode) throw Unusable(Advice.NativeCode(file, image.Machine));
            if (image.Needs32Bit) Warn(Path.GetFileName(file) + " asks for a 32-bit process. It is loaded all the same; if a native library of it does not load, it needs a 32-bit worker on Windows");
            try
            {
                return Assembly.LoadFrom(file);
            }
            catch (BadImageFormatException error)
            {
                throw new WorkerException("invalid-configuration", Path.GetFileName(file) + " cannot be loaded by " + Advice.Runtime + ": " + error.Message + ". It was built for another framework or bitness", error);
            }
        }

        private Assembly Resolve(string fullName)
        {
            AssemblyName wanted = new AssemblyName(fullName);
            if (wanted.Name == ContractName) return Contract;
            if (wanted.Name.EndsWith(".resources", StringComparison.Ordinal))
            {
                // Satellites of cultures: absent is normal.
                string satellite = Path.Combine(directory, wanted.CultureInfo == null ? "" : wanted.CultureInfo.Name, wanted.Name + ".dll");
                return File.Exists(satellite) ? Assembly.LoadFrom(satellite) : null;
            }
            // PowerShell comes whole from one folder: what connectors carry of it is the one of Windows, or an empty reference.
            if (powerShell != null && (wanted.Name == "System.Management.Automation" || wanted.Name.StartsWith("Microsoft.PowerShell.", StringComparison.Ordinal)))
            {
                string ours = Path.Combine(powerShell, wanted.Name + ".dll");
                if (File.Exists(ours)) return Assembly.LoadFrom(ours);
            }
            // Beside the connector first; then a sub-folder that has exactly this version; then any.
            string beside = Path.Combine(directory, wanted.Name + ".dll");
            List<string> files = System.IO.Directory.Exists(directory) ? System.IO.Directory.GetFiles(directory, wanted.Name + ".dll", SearchOption.AllDirectories).ToList() : new List<string>();
            string exact = files.FirstOrDefault(file => IsVersion(file, wanted.Version));
            string chosen = exact ?? (File.Exists(beside) ? beside : files.FirstOrDefault());
            string ofPowerShell = powerShell == null ? null : Path.Combine(powerShell, wanted.Name + ".dll");
            if (chosen == null && ofPowerShell != null && File.Exists(ofPowerShell)) chosen = ofPowerShell;
            return chosen == null ? null : Assembly.LoadFrom(chosen);
        }

        private static bool IsVersion(string file, Version version)
        {
            try
            {
                return version != null && AssemblyName.GetAssemblyName(file).Version == version;
            }
            catch (BadImageFormatException)
            {
                return false;
            }
        }

        private IEnumerable<string> ListDlls()
        {
            return System.IO.Directory.GetFiles(directory, "*.dll").Where(file => Path.GetFileNameWithoutExtension(file) != ContractName).OrderBy(file => file, StringComparer.Ordinal);
        }

        private static string Names(IEnumerable<string> files)
        {
            string[] names = files.Select(file => Path.GetFileName(file)).ToArray();
            return names.Length == 0 ? "no DLLs" : string.Join(", ", names);
        }

        private void Warn(string message)
        {
            lock (reported)
                if (!reported.Add(message)) return;
            warn(message);
        }

        private static WorkerException Unusable(string message)
        {
            return new WorkerException("invalid-configuration", message);
        }
    }
}
