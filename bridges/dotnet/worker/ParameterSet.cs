using System;
using System.Collections.Generic;
using System.Globalization;
using System.Security;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Worker
{
    /// <summary>
    /// The parameters as a connector gets them: all pages in one collection, those it calls encrypted as SecureString, those that
    /// were not given with their defaults, as the old engine kept them.
    /// </summary>
    internal sealed class ParameterSet
    {
        /// <summary>The order in which pages are asked, and so the order in which later pages know earlier values.</summary>
        private static readonly ConfigParameterPage[] Pages =
        {
            ConfigParameterPage.Capabilities, ConfigParameterPage.Connectivity, ConfigParameterPage.Schema,
            ConfigParameterPage.Global, ConfigParameterPage.Partition, ConfigParameterPage.RunStep,
        };

        private const int MostPages = 100;
        private readonly Package package;
        private readonly Action<string> warn;
        private readonly object gate = new object();
        private string lastKey;
        private ConfigParameterSet last;
        private readonly HashSet<string> reported = new HashSet<string>();

        internal ParameterSet(Package package, Action<string> warn)
        {
            this.package = package;
            this.warn = warn;
        }

        internal static ConfigParameterPage PageOf(string name)
        {
            switch (name)
            {
                case "capabilities": return ConfigParameterPage.Capabilities;
                case "connectivity": return ConfigParameterPage.Connectivity;
                case "schema": return ConfigParameterPage.Schema;
                case "global": return ConfigParameterPage.Global;
                case "partition": return ConfigParameterPage.Partition;
                case "run-step": return ConfigParameterPage.RunStep;
            }
            throw new ProtocolException("there is no page '" + name + "'");
        }

        /// <summary>The same values give the same set: the pages are asked once, not for every session.</summary>
        internal ConfigParameterSet Build(Fields values)
        {
            string key = values.Key();
            lock (gate)
                if (lastKey == key) return Copy(last);
            ConfigParameterSet built = Ask(values);
            lock (gate)
            {
                lastKey = key;
                last = built;
            }
            return Copy(built);
        }

        private static ConfigParameterSet Copy(ConfigParameterSet set)
        {
            ConfigParameterSet copy = new ConfigParameterSet();
            // Connectors dispose the secret that they are given.
            foreach (ConfigParameter parameter in set) copy.Add(parameter.IsEncrypted ? new ConfigParameter(parameter.Name, parameter.SecureValue.Copy()) : parameter);
            return copy;
        }

        private ConfigParameterSet Ask(Fields values)
        {
            ConfigParameterSet result = new ConfigParameterSet();
            foreach (ConfigParameterPage page in Pages)
            {
                try
                {
                    for (int number = 1; number <= MostPages; number++)
                    {
                        IList<ConfigParameterDefinition> definitions = Definitions(page, number, result);
                        bool any = false;
                        foreach (ConfigParameterDefinition definition in definitions)
                        {
                            any = true;
                            if (definition.Name != null && !result.Contains(definition.Name)) result.Add(Parameter(definition, values.Get(definition.Name)));
                        }
                        if (!any || page != ConfigParameterPage.Schema) break;
                    }
                }
                catch (Exception error)
                {
                    Warn("the parameters of the page " + page + " cannot be read: " + Errors.MessageOf(Errors.Unwrap(error)));
                }
            }
            foreach (KeyValuePair<string, object> given in values.All)
            {
                if (result.Contains(given.Key)) continue;
                result.Add(new ConfigParameter(given.Key, TextOf(given.Value)));
                Warn("the connector does not ask for the parameter '" + given.Key + "'");
            }
            return result;
        }

        /// <summary>What is asked for on a page. The Ex interface is asked where there is one; else page 1 is the only one.</summary>
        internal IList<ConfigParameterDefinition> Definitions(ConfigParameterPage page, int number, ConfigParameterSet known)
        {
            IMAExtensible2GetParametersEx extended = package.Create<IMAExtensible2GetParametersEx>();
            if (extended != null) return extended.GetConfigParametersEx(known, page, number) ?? new ConfigParameterDefinition[0];
            IMAExtensible2GetParameters plain = package.Create<IMAExtensible2GetParameters>();
            bool known20 = page != ConfigParameterPage.Capabilities && page != ConfigParameterPage.Schema;
            if (plain == null || number > 1 || !known20) return new ConfigParameterDefinition[0];
            return plain.GetConfigParameters(known, page) ?? new ConfigParameterDefinition[0];
        }

        /// <summary>Never null: connectors that were not made to answer a page return it for success.</summary>
        internal ParameterValidationResult Validate(ConfigParameterPage page, int number, ConfigParameterSet values)
        {
            ParameterValidationResult result = Answer(page, number, values);
            if (result != null) return result;
            Warn("the connector answered the validation of the page " + page + " with null, which is taken for success");
            return new ParameterValidationResult();
        }

        private ParameterValidationResult Answer(ConfigParameterPage page, int number, ConfigParameterSet values)
        {
            IMAExtensible2GetParametersEx extended = package.Create<IMAExtensible2GetParametersEx>();
            if (extended != null) return extended.ValidateConfigParametersEx(values, page, number);
            IMAExtensible2GetParameters plain = package.Create<IMAExtensible2GetParameters>();
            bool known20 = page != ConfigParameterPage.Capabilities && page != ConfigParameterPage.Schema;
            return plain == null || !known20 ? new ParameterValidationResult() : plain.ValidateConfigParameters(values, page);
        }

        internal static SecureString Secure(string text)
        {
            SecureString secure = new SecureString();
            foreach (char character in text) secure.AppendChar(character);
            secure.MakeReadOnly();
            return secure;
        }

        private static ConfigParameter Parameter(ConfigParameterDefinition definition, object given)
        {
            string value = given == null ? definition.DefaultValue ?? "" : TextOf(given);
            if (definition.Type == ConfigParameterType.EncryptedString) return new ConfigParameter(definition.Name, Secure(value));
            return new ConfigParameter(definition.Name, value);
        }

        /// <summary>Check boxes are 1 and 0 in the old engine.</summary>
        private static string TextOf(object value)
        {
            if (value is bool) return (bool)value ? "1" : "0";
            return value == null ? "" : Convert.ToString(value, CultureInfo.InvariantCulture);
        }

        private void Warn(string message)
        {
            lock (reported)
                if (!reported.Add(message)) return;
            warn(message);
        }
    }
}
