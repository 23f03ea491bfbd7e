using System.Reflection;
using System.Runtime.CompilerServices;

// Any 4.x reference is satisfied by a higher version of the same simple name; no strong name is needed, because the worker hands this
// assembly out itself (contract page 5).
[assembly: AssemblyTitle("Clean-room Microsoft.MetadirectoryServicesEx of Landbridge")]
[assembly: AssemblyVersion("4.99.0.0")]
[assembly: InternalsVisibleTo("landbridge-worker")]
