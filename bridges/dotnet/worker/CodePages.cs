using System;
using System.Reflection;
using System.Text;

namespace Landbridge.Worker
{
    /// <summary>.NET Framework knows the code pages of Windows; the current .NET only where they are registered, and connectors do not.</summary>
    internal static class CodePages
    {
        internal static void Register()
        {
            if (!Advice.IsCurrentDotnet) return;
            Type provider = Type.GetType("System.Text.CodePagesEncodingProvider, System.Text.Encoding.CodePages", false);
            MethodInfo register = typeof(Encoding).GetMethod("RegisterProvider");
            if (provider == null || register == null) return;
            register.Invoke(null, new[] { provider.GetProperty("Instance").GetValue(null, null) });
        }
    }
}
