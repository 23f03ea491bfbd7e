using System;
using System.IO;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Threading;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Worker
{
    /// <summary>A connector that cannot be used, with cause and fix in the message; the code is one of the host's table.</summary>
    internal sealed class WorkerException : Exception
    {
        internal WorkerException(string code, string message) : base(message)
        {
            Code = code;
        }

        internal WorkerException(string code, string message, Exception innerException) : base(message, innerException)
        {
            Code = code;
        }

        internal string Code { get; private set; }
    }

    /// <summary>Whatever was thrown, as an error of the protocol. The name of the exception goes along: the host has the table.</summary>
    internal static class Errors
    {
        private const int ApplicationError = -32000;
        private const int InvalidRequest = -32600;
        private static readonly Regex MissingInText = new Regex("Could not load file or assembly '([^']+, Version=[^']+)'");

        internal static void Write(JsonWriter writer, Exception thrown)
        {
            Exception error = Unwrap(thrown);
            WorkerException own = error as WorkerException;
            string code = own == null ? CodeOf(error) : own.Code;
            writer.Open('{').Field("code", error is ProtocolException ? InvalidRequest : ApplicationError).Field("message", MessageOf(error)).Name("data").Open('{');
            writer.Field("code", code);
            if (code == null) writer.Field("ecma2", error.GetType().Name);
            writer.Field("internal", own != null && own.InnerException == null ? null : error.ToString());
            writer.Close('}').Close('}');
        }

        /// <summary>Reflection, lazy statics and tasks wrap what really happened.</summary>
        internal static Exception Unwrap(Exception error)
        {
            while (error.InnerException != null && (error is TargetInvocationException || error is TypeInitializationException || IsSingleAggregate(error))) error = error.InnerException;
            return error;
        }

        private static bool IsSingleAggregate(Exception error)
        {
            AggregateException aggregate = error as AggregateException;
            return aggregate != null && aggregate.InnerExceptions.Count == 1;
        }

        private static string CodeOf(Exception error)
        {
            if (error is ProtocolException) return "unknown";
            if (error is DllNotFoundException || error is BadImageFormatException || error is MissingMethodException || error is MissingFieldException || error is TypeLoadException) return "invalid-configuration";
            if (IsMissingAssembly(error)) return "invalid-configuration";
            if (error is OutOfMemoryException || error is ThreadAbortException) return "run-failed";
            return error is OperationCanceledException ? "cancelled" : null;
        }

        internal static bool IsMissingAssembly(Exception error)
        {
            FileNotFoundException missing = error as FileNotFoundException;
            FileLoadException refused = error as FileLoadException;
            return (missing != null && missing.FileName != null && missing.FileName.Contains("Version=")) || (refused != null && refused.FileName != null);
        }

        internal static string MessageOf(Exception error)
        {
            if (IsMissingAssembly(error)) return Advice.MissingAssembly(error is FileNotFoundException ? ((FileNotFoundException)error).FileName : ((FileLoadException)error).FileName);
            // Mono says it in the text only.
            Match named = MissingInText.Match(error is TypeLoadException ? error.Message : "");
            if (named.Success) return Advice.MissingAssembly(named.Groups[1].Value);
            if (error is DllNotFoundException) return Advice.NativeLibrary(error.Message);
            if (error is MissingMethodException || error is MissingFieldException || error is TypeLoadException) return Advice.MissingMember(error.Message);
            string message = string.IsNullOrEmpty(error.Message) ? error.GetType().Name : error.Message;
            bool known = error is ExtensionException || error is MetadirectoryServicesException || error is WorkerException || error is ProtocolException;
            return known ? message : error.GetType().Name + ": " + message;
        }
    }
}
