using System;
using System.IO;
using System.Reflection;

namespace Landbridge.Worker
{
    /// <summary>Sentences that name a cause and a fix. All of them in one place, so that they read alike.</summary>
    internal static class Advice
    {
        internal static readonly bool OnMono = Type.GetType("Mono.Runtime") != null;

        internal static string Runtime
        {
            get
            {
                if (OnMono) return "Mono (" + Environment.Version + ")";
                return Environment.Version.Major >= 5 ? ".NET " + Environment.Version : ".NET Framework " + Environment.Version;
            }
        }

        internal static bool IsCurrentDotnet
        {
            get { return !OnMono && Environment.Version.Major >= 5; }
        }

        internal static string MissingAssembly(string fullName)
        {
            string name = new AssemblyName(fullName).Name;
            string text = "the connector needs the assembly " + fullName + ", which is neither in its folder nor part of " + Runtime + ". ";
            if (name == "System.Management.Automation") return text + "It is PowerShell: set runtime to dotnet, and put pwsh on the path, or name its folder in the environment variable LANDBRIDGE_POWERSHELL";
            if (IsNewFramework(fullName)) return text + "It belongs to the current .NET: set runtime to dotnet, with a .NET SDK or runtime installed";
            if (IsFramework(name) && IsCurrentDotnet) return text + "It belongs to .NET Framework: set runtime to mono (Linux), or run the worker on .NET Framework (Windows)";
            if (IsFramework(name)) return text + "It belongs to .NET Framework: install the Debian package with it (apt-cache search libmono " + name.ToLowerInvariant() + "), or run the worker on Windows";
            return text + "Copy " + name + ".dll into the folder of the package; on the old server it may be in the Extensions folder of the Synchronization Service or in the GAC (C:\\Windows\\Microsoft.NET\\assembly)";
        }

        internal static string NativeLibrary(string message)
        {
            // Mono adds what it does not know either: " assembly:<unknown assembly> type:<unknown type> member:(null)".
            int known = message.IndexOf(" assembly:<", StringComparison.Ordinal);
            return "the connector calls a native library that is not here: " + (known < 0 ? message : message.Substring(0, known)) + ". A library of Windows needs a Windows worker of its bitness; any other belongs into the folder of the package";
        }

        internal static string MissingMember(string message)
        {
            return "the connector was built against another version of one of its assemblies: " + message + ". Put the version that it was built against into the folder of the package";
        }

        internal static string NotAnAssembly(string file, string why)
        {
            return Path.GetFileName(file) + " is not a .NET assembly (" + why + "): name the connector's own DLL with dll";
        }

        internal static string NativeCode(string file, string machine)
        {
            return Path.GetFileName(file) + " contains native code for " + machine + " (mixed mode, C++/CLI): it runs on Windows only, in a worker of that bitness";
        }

        internal static bool IsFramework(string name)
        {
            return name == "mscorlib" || name == "netstandard" || name.StartsWith("System.", StringComparison.Ordinal) || name == "System" || name == "WindowsBase"
                || name.StartsWith("Presentation", StringComparison.Ordinal) || name.StartsWith("Microsoft.Win32.", StringComparison.Ordinal);
        }

        /// <summary>System.Runtime 5 and later exists in the current .NET only; .NET Framework has facades of version 4.</summary>
        internal static bool IsNewFramework(string fullName)
        {
            AssemblyName name = new AssemblyName(fullName);
            return name.Version != null && name.Version.Major >= 5 && name.Version.Major < 100 && (name.Name == "System.Runtime" || name.Name == "System.Private.CoreLib" || name.Name == "System.Collections" || name.Name == "System.Console");
        }
    }
}
