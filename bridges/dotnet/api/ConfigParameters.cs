using System;
using System.Collections.ObjectModel;
using System.Runtime.InteropServices;
using System.Security;
using System.Text;

namespace Microsoft.MetadirectoryServices
{
    /// <summary>A parameter with its value (contract page 2.4).</summary>
    public class ConfigParameter
    {
        private readonly string value;
        private readonly SecureString secureValue;

        public ConfigParameter()
        {
        }

        public ConfigParameter(string name, string value)
        {
            Name = name;
            this.value = value;
        }

        public ConfigParameter(string name, string value, bool isEncrypted)
        {
            Name = name;
            this.value = value;
            IsEncrypted = isEncrypted;
        }

        public ConfigParameter(string name, SecureString secureValue)
        {
            Name = name;
            this.secureValue = secureValue;
            IsEncrypted = true;
        }

        public string Name { get; private set; }

        public bool IsEncrypted { get; private set; }

        public string Value
        {
            get
            {
                if (secureValue != null) throw new InvalidOperationException("the parameter '" + Name + "' is encrypted: read its SecureValue");
                return value;
            }
        }

        public SecureString SecureValue
        {
            get
            {
                if (secureValue == null) throw new InvalidOperationException("the parameter '" + Name + "' is not encrypted: read its Value");
                return secureValue;
            }
        }
    }

    /// <summary>What is asked for on a page (contract page 2.4).</summary>
    public class ConfigParameterDefinition
    {
        public ConfigParameterDefinition()
        {
        }

        private ConfigParameterDefinition(ConfigParameterType type, string name, string text, string validation, string defaultValue, bool extensible)
        {
            Type = type;
            Name = name;
            Text = text;
            Validation = validation;
            DefaultValue = defaultValue;
            DropDownExtensible = extensible;
        }

        public string Name { get; private set; }

        public ConfigParameterType Type { get; private set; }

        public string Text { get; private set; }

        /// <summary>A regular expression; of a drop-down its values, separated by commas.</summary>
        public string Validation { get; private set; }

        public string DefaultValue { get; private set; }

        public bool DropDownExtensible { get; private set; }

        public bool CheckBoxDefault
        {
            get { return DefaultValue == "1"; }
        }

        public static ConfigParameterDefinition CreateStringParameter(string name)
        {
            return CreateStringParameter(name, null, null);
        }

        public static ConfigParameterDefinition CreateStringParameter(string name, string validation)
        {
            return CreateStringParameter(name, validation, null);
        }

        public static ConfigParameterDefinition CreateStringParameter(string name, string validation, string defaultValue)
        {
            return new ConfigParameterDefinition(ConfigParameterType.String, name, name, validation, defaultValue, false);
        }

        public static ConfigParameterDefinition CreateEncryptedStringParameter(string name)
        {
            return CreateEncryptedStringParameter(name, null, null);
        }

        public static ConfigParameterDefinition CreateEncryptedStringParameter(string name, string validation)
        {
            return CreateEncryptedStringParameter(name, validation, null);
        }

        public static ConfigParameterDefinition CreateEncryptedStringParameter(string name, string validation, string defaultValue)
        {
            return new ConfigParameterDefinition(ConfigParameterType.EncryptedString, name, name, validation, defaultValue, false);
        }

        public static ConfigParameterDefinition CreateTextParameter(string name)
        {
            return CreateTextParameter(name, null);
        }

        public static ConfigParameterDefinition CreateTextParameter(string name, string defaultValue)
        {
            return new ConfigParameterDefinition(ConfigParameterType.Text, name, name, null, defaultValue, false);
        }

        public static ConfigParameterDefinition CreateCheckBoxParameter(string name)
        {
            return CreateCheckBoxParameter(name, false);
        }

        public static ConfigParameterDefinition CreateCheckBoxParameter(string name, bool defaultValue)
        {
            return new ConfigParameterDefinition(ConfigParameterType.CheckBox, name, name, null, defaultValue ? "1" : "0", false);
        }

        public static ConfigParameterDefinition CreateDropDownParameter(string name, string[] values, bool extensible)
        {
            return CreateDropDownParameter(name, Join(values), extensible, null);
        }

        public static ConfigParameterDefinition CreateDropDownParameter(string name, string[] values, bool extensible, string defaultValue)
        {
            return CreateDropDownParameter(name, Join(values), extensible, defaultValue);
        }

        public static ConfigParameterDefinition CreateDropDownParameter(string name, string values, bool extensible)
        {
            return CreateDropDownParameter(name, values, extensible, null);
        }

        public static ConfigParameterDefinition CreateDropDownParameter(string name, string values, bool extensible, string defaultValue)
        {
            return new ConfigParameterDefinition(ConfigParameterType.DropDown, name, name, values, defaultValue, extensible);
        }

        public static ConfigParameterDefinition CreateFileParameter(string name)
        {
            return CreateFileParameter(name, null);
        }

        public static ConfigParameterDefinition CreateFileParameter(string name, string defaultValue)
        {
            return new ConfigParameterDefinition(ConfigParameterType.File, name, name, null, defaultValue, false);
        }

        public static ConfigParameterDefinition CreateLabelParameter(string text)
        {
            return new ConfigParameterDefinition(ConfigParameterType.Label, null, text, null, null, false);
        }

        public static ConfigParameterDefinition CreateDividerParameter()
        {
            return new ConfigParameterDefinition(ConfigParameterType.Divider, null, null, null, null, false);
        }

        private static string Join(string[] values)
        {
            if (values == null) return null;
            StringBuilder text = new StringBuilder();
            foreach (string value in values)
            {
                if (text.Length > 0) text.Append(',');
                text.Append((value ?? "").Replace("\\", "\\\\").Replace(",", "\\,"));
            }
            return text.ToString();
        }
    }

    public class ParameterValidationResult
    {
        public ParameterValidationResult()
        {
        }

        public ParameterValidationResult(ParameterValidationResultCode code, string errorMessage, string errorParameter)
        {
            Code = code;
            ErrorMessage = errorMessage;
            ErrorParameter = errorParameter;
        }

        public ParameterValidationResultCode Code { get; set; }

        public string ErrorMessage { get; set; }

        public string ErrorParameter { get; set; }
    }

    /// <summary>The collection that connectors get; names compare without regard to nothing, as in the product: exactly.</summary>
    internal sealed class ConfigParameterSet : KeyedCollection<string, ConfigParameter>
    {
        protected override string GetKeyForItem(ConfigParameter item)
        {
            return item.Name;
        }
    }
}
