using System.Reflection;

[assembly: AssemblyTitle("The sample ECMA2 connector of Landbridge: a directory of people and groups in files")]
[assembly: AssemblyVersion("1.0.0.0")]
