/** Assemblies of .NET Framework 4.8, and whether Mono and the current .NET have them. `partly`: there, with parts that throw. */
export type Availability = 'yes' | 'partly' | 'no';

export interface FrameworkAssembly {
  readonly mono: Availability;
  readonly net: Availability;
}

const yes = (names: string): readonly (readonly [string, FrameworkAssembly])[] => names.split(' ').map((name) => [name, { mono: 'yes', net: 'yes' }]);
const of = (mono: Availability, net: Availability, names: string): readonly (readonly [string, FrameworkAssembly])[] =>
  names.split(' ').map((name) => [name, { mono, net }]);

export const frameworkAssemblies: ReadonlyMap<string, FrameworkAssembly> = new Map([
  ...yes(
    'mscorlib netstandard System System.Core System.Data System.Xml System.Xml.Linq System.Numerics System.Configuration System.Runtime.Serialization System.Net.Http System.ComponentModel.DataAnnotations System.Transactions System.IO.Compression System.IO.Compression.FileSystem System.Drawing Microsoft.CSharp System.Security System.Net System.Dynamic System.Runtime System.Collections System.Linq System.Threading System.Threading.Tasks System.Text.RegularExpressions System.Globalization System.Reflection System.Resources.ResourceManager System.Diagnostics.Debug System.Diagnostics.Tools System.IO System.Linq.Expressions System.ObjectModel System.Runtime.Extensions System.Runtime.InteropServices System.Text.Encoding System.Collections.Concurrent System.Xml.ReaderWriter System.Xml.XDocument System.Xml.XmlSerializer System.Net.Primitives System.Runtime.Numerics System.Runtime.Serialization.Json System.Runtime.Serialization.Primitives System.Runtime.Serialization.Xml System.Text.Encoding.Extensions System.Reflection.Extensions System.Reflection.Primitives System.Threading.Timer System.Net.Requests System.ServiceModel.Internals',
  ),
  ...of(
    'yes',
    'no',
    'System.Web System.Web.Extensions System.Web.Services System.ServiceModel.Web System.Configuration.Install System.ServiceModel System.Runtime.Caching System.Data.Services.Client System.IdentityModel',
  ),
  ...of(
    'partly',
    'partly',
    'System.DirectoryServices System.DirectoryServices.Protocols System.ServiceProcess System.Windows.Forms Microsoft.VisualBasic System.Data.DataSetExtensions System.Data.Linq System.Json',
  ),
  ...of('no', 'partly', 'System.DirectoryServices.AccountManagement System.Management'),
  ...of(
    'no',
    'no',
    'System.Activities System.Activities.Core.Presentation System.Activities.Presentation System.Workflow.Activities System.Workflow.ComponentModel System.Workflow.Runtime System.EnterpriseServices System.Data.OracleClient System.Messaging PresentationCore PresentationFramework WindowsBase System.Xaml System.Printing System.Speech System.AddIn System.IdentityModel.Selectors Microsoft.Build.Framework System.Web.Mvc',
  ),
]);

/** What we bring ourselves, whatever version is asked for. */
export const OWN_ASSEMBLIES: ReadonlySet<string> = new Set(['microsoft.metadirectoryservicesex', 'microsoft.metadirectoryservices']);

/** How a package can run, from the easiest to the hardest. */
export const grades = ['mono', 'replacement', 'windows', 'windows-32-bit', 'unusable'] as const;
export type Grade = (typeof grades)[number];

/** What each grade means, for people. */
export const gradeTexts: Readonly<Record<Grade, string>> = {
  mono: 'runs on Mono',
  replacement: 'runs on Mono or the current .NET with a replacement',
  windows: 'needs a Windows worker',
  'windows-32-bit': 'needs a 32-bit Windows worker',
  unusable: 'cannot be used as it is',
};

/** Something a package uses that decides where it can run. */
export interface EnvironmentRule {
  /** Full name of a used type, or its namespace with a dot at the end. */
  readonly uses: string;
  readonly grade: Grade;
  readonly what: string;
  readonly advice: string;
}

/** By used type (R30). The most specific rule of a type counts. */
export const environmentRules: readonly EnvironmentRule[] = [
  {
    uses: 'Microsoft.Win32.Registry',
    grade: 'windows',
    what: 'the Windows registry',
    advice: 'on Mono the registry is an empty file store: keys that the connector expects must be created for the worker, or it runs on Windows',
  },
  { uses: 'Microsoft.Win32.RegistryKey', grade: 'windows', what: 'the Windows registry', advice: 'see Registry' },
  {
    uses: 'System.Security.Cryptography.ProtectedData',
    grade: 'replacement',
    what: 'DPAPI (ProtectedData)',
    advice: 'Mono has its own DPAPI: what was protected on the old machine must be supplied anew',
  },
  {
    uses: 'System.Security.Principal.WindowsIdentity',
    grade: 'windows',
    what: 'Windows identities (impersonation)',
    advice: 'run it by a Windows worker under the account that it impersonates',
  },
  {
    uses: 'System.Security.Principal.WindowsImpersonationContext',
    grade: 'windows',
    what: 'Windows impersonation',
    advice: 'run it by a Windows worker under the account that it impersonates',
  },
  {
    uses: 'System.DirectoryServices.AccountManagement.',
    grade: 'windows',
    what: 'System.DirectoryServices.AccountManagement',
    advice: 'there is none outside Windows',
  },
  {
    uses: 'System.DirectoryServices.ActiveDirectory.',
    grade: 'windows',
    what: 'System.DirectoryServices.ActiveDirectory',
    advice: 'there is none outside Windows',
  },
  {
    uses: 'System.DirectoryServices.Protocols.',
    grade: 'replacement',
    what: 'System.DirectoryServices.Protocols',
    advice: "Mono's is incomplete; the current .NET has a complete one on Linux (libldap)",
  },
  {
    uses: 'System.DirectoryServices.',
    grade: 'replacement',
    what: 'ADSI (System.DirectoryServices)',
    advice: 'Mono answers LDAP paths only, without Windows log-on; WinNT: paths need Windows',
  },
  {
    uses: 'System.Management.Automation.',
    grade: 'replacement',
    what: 'PowerShell',
    advice: 'the current .NET with System.Management.Automation from NuGet runs it; modules must be there for PowerShell 7',
  },
  { uses: 'System.Management.', grade: 'windows', what: 'WMI (System.Management)', advice: 'there is none outside Windows' },
  { uses: 'System.EnterpriseServices.', grade: 'windows', what: 'COM+ (System.EnterpriseServices)', advice: 'there is none outside Windows' },
  { uses: 'System.Activities.', grade: 'windows', what: 'Windows Workflow Foundation', advice: 'there is none outside .NET Framework' },
  { uses: 'System.Workflow.', grade: 'windows', what: 'Windows Workflow Foundation', advice: 'there is none outside .NET Framework' },
  {
    uses: 'System.Diagnostics.EventLog',
    grade: 'replacement',
    what: 'the Windows event log',
    advice: 'on Mono what is written there goes nowhere; the worker takes trace output into its log',
  },
  {
    uses: 'System.Diagnostics.PerformanceCounter',
    grade: 'replacement',
    what: 'performance counters',
    advice: 'on Mono there are none of Windows; most connectors go on without',
  },
  { uses: 'System.Data.OleDb.', grade: 'windows', what: 'OLE DB', advice: 'there is none outside Windows; use ODBC or the driver of the database' },
  {
    uses: 'System.Data.Odbc.',
    grade: 'replacement',
    what: 'ODBC',
    advice: 'needs unixODBC and the driver of the database on the worker, and the data source in odbc.ini',
  },
  { uses: 'System.Data.OracleClient.', grade: 'replacement', what: "Microsoft's Oracle client", advice: 'needs the Oracle client libraries on the worker' },
  { uses: 'System.Windows.Forms.', grade: 'replacement', what: 'Windows Forms', advice: 'a connector has no screen: windows that it shows are an error' },
  { uses: 'System.Windows.', grade: 'windows', what: 'Windows Presentation Foundation', advice: 'there is none outside Windows' },
  { uses: 'System.Messaging.', grade: 'windows', what: 'message queuing (MSMQ)', advice: 'there is none outside Windows' },
];

/** Assemblies that connectors refer to and that are no part of .NET: where they were, and what to do. */
export const knownAbsent: readonly { readonly name: RegExp; readonly grade: Grade; readonly advice: string }[] = [
  {
    name: /^System\.Management\.Automation$/i,
    grade: 'replacement',
    advice: 'PowerShell: the current .NET takes it from NuGet; on Windows it is in the global assembly cache',
  },
  {
    name: /^Microsoft\.PowerShell\./i,
    grade: 'replacement',
    advice: 'PowerShell: the current .NET takes it from NuGet; on Windows it is in the global assembly cache',
  },
  {
    name: /^Microsoft\.IdentityManagement\.|^Microsoft\.ResourceManagement/i,
    grade: 'windows',
    advice: 'of the MIM installation: copy it from the Synchronization Service\\Bin folder or the GAC of the MIM server',
  },
  { name: /^Microsoft\.SharePoint/i, grade: 'windows', advice: 'of SharePoint: use the client library (CSOM) from NuGet, or run it where SharePoint is' },
  { name: /^Microsoft\.Office\.Interop|^Interop\./i, grade: 'windows', advice: 'COM: needs Windows with the application installed' },
  {
    name: /^Oracle\.(Managed)?DataAccess$/i,
    grade: 'mono',
    advice: 'the driver of Oracle: copy Oracle.ManagedDataAccess.dll from the Oracle client, or from NuGet',
  },
  { name: /^IBM\.Data\.DB2/i, grade: 'windows', advice: 'the driver of DB2: copy it from the IBM client' },
];

/** Native Windows libraries by what they are for. */
export const WINDOWS_LIBRARIES =
  /^(kernel32|kernelbase|advapi32|user32|ole32|oleaut32|shell32|netapi32|secur32|crypt32|ntdll|wldap32|activeds|adsldp|ws2_32|winhttp|wininet|userenv|wtsapi32|mpr|rpcrt4|shlwapi|version|gdi32|dnsapi|iphlpapi|credui|psapi|bcrypt|ncrypt|msi|wintrust)(\.dll)?$/i;
