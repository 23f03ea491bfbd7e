using System.Reflection;

[assembly: AssemblyTitle("The .NET worker of Landbridge")]
[assembly: AssemblyVersion("1.0.0.0")]
