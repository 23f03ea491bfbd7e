using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Sample
{
    /// <summary>Every capability of ECMA2 is a parameter here, so that a host can be tried with each.</summary>
    public sealed class Settings
    {
        public const string Folder = "Folder";
        public const string Account = "Account";
        public const string Password = "Password";
        public const string Style = "DN style";
        public const string Export = "Export type";
        public const string Confirmation = "Object confirmation";
        public const string Normalization = "Normalizations";
        public const string Rename = "Object rename";
        public const string NoReferences = "No references in first export";
        public const string DeleteAdd = "Delete-add as replace";
        public const string PasswordFirst = "Password in first pass";
        public const string FullExport = "Full export";
        public const string DnAnchor = "DN is anchor";
        public const string Delta = "Delta import";
        public const string Concurrent = "Concurrent operation";
        public const string Special = "Special actions";
        public const string Assigned = "Anchor by application";
        public const string Composite = "Composite anchor";
        public const string Page = "Page size";
        public const string Updates = "Deltas of changed attributes";
        public const string Region = "Region";
        private readonly KeyedCollection<string, ConfigParameter> values;

        public Settings(KeyedCollection<string, ConfigParameter> values)
        {
            this.values = values;
        }

        public string Text(string name)
        {
            return values.Contains(name) ? values[name].Value : "";
        }

        public bool Flag(string name)
        {
            return Text(name) == "1";
        }

        public string Secret(string name)
        {
            if (!values.Contains(name)) return "";
            IntPtr pointer = System.Runtime.InteropServices.Marshal.SecureStringToGlobalAllocUnicode(values[name].SecureValue);
            try
            {
                return System.Runtime.InteropServices.Marshal.PtrToStringUni(pointer);
            }
            finally
            {
                System.Runtime.InteropServices.Marshal.ZeroFreeGlobalAllocUnicode(pointer);
            }
        }

        public int PageSize
        {
            get
            {
                int size;
                return int.TryParse(Text(Page), out size) && size > 0 ? size : 500;
            }
        }

        public T Choice<T>(string name, T otherwise) where T : struct
        {
            T value;
            return Enum.TryParse(Text(name), out value) ? value : otherwise;
        }

        public MACapabilities Capabilities()
        {
            MACapabilities result = new MACapabilities();
            result.ObjectRename = Flag(Rename);
            result.DistinguishedNameStyle = Choice(Style, MADistinguishedNameStyle.None);
            result.ExportType = Choice(Export, MAExportType.AttributeUpdate);
            result.ObjectConfirmation = Choice(Confirmation, MAObjectConfirmation.Normal);
            result.Normalizations = Choice(Normalization, MANormalizations.None);
            result.NoReferenceValuesInFirstExport = Flag(NoReferences);
            result.DeleteAddAsReplace = Flag(DeleteAdd);
            result.ExportPasswordInFirstPass = Flag(PasswordFirst);
            result.FullExport = Flag(FullExport);
            result.IsDNAsAnchor = Flag(DnAnchor);
            result.DeltaImport = Flag(Delta);
            result.ConcurrentOperation = Flag(Concurrent);
            result.SupportPartitions = result.DistinguishedNameStyle == MADistinguishedNameStyle.Ldap;
            result.SupportHierarchy = result.SupportPartitions;
            return result;
        }

        public static IList<ConfigParameterDefinition> Definitions(ConfigParameterPage page, int number)
        {
            List<ConfigParameterDefinition> list = new List<ConfigParameterDefinition>();
            if (page == ConfigParameterPage.Capabilities && number == 1)
            {
                list.Add(ConfigParameterDefinition.CreateDropDownParameter(Style, "None,Generic,Ldap", false, "None"));
                list.Add(ConfigParameterDefinition.CreateDropDownParameter(Export, Enum.GetNames(typeof(MAExportType)), false, "AttributeUpdate"));
                list.Add(ConfigParameterDefinition.CreateDropDownParameter(Confirmation, Enum.GetNames(typeof(MAObjectConfirmation)), false, "Normal"));
                list.Add(ConfigParameterDefinition.CreateDropDownParameter(Normalization, Enum.GetNames(typeof(MANormalizations)), true, "None"));
                foreach (string name in new[] { Rename, NoReferences, DeleteAdd, PasswordFirst, FullExport, DnAnchor, Composite, Special }) list.Add(ConfigParameterDefinition.CreateCheckBoxParameter(name, false));
                foreach (string name in new[] { Delta, Concurrent, Assigned }) list.Add(ConfigParameterDefinition.CreateCheckBoxParameter(name, true));
            }
            if (page == ConfigParameterPage.Connectivity && number == 1)
            {
                list.Add(ConfigParameterDefinition.CreateLabelParameter("Where the application keeps its objects"));
                list.Add(ConfigParameterDefinition.CreateStringParameter(Folder, ".+"));
                list.Add(ConfigParameterDefinition.CreateDividerParameter());
                list.Add(ConfigParameterDefinition.CreateStringParameter(Account, null, "service"));
                list.Add(ConfigParameterDefinition.CreateEncryptedStringParameter(Password, null));
            }
            // Two pages of schema parameters, as ECMA 2.2 has them.
            if (page == ConfigParameterPage.Schema && number == 1) list.Add(ConfigParameterDefinition.CreateStringParameter(Region, "[a-z]*", "eu"));
            if (page == ConfigParameterPage.Schema && number == 2) list.Add(ConfigParameterDefinition.CreateLabelParameter("Composite anchors are made of region and id"));
            if (page == ConfigParameterPage.Global && number == 1) list.Add(ConfigParameterDefinition.CreateCheckBoxParameter(Updates, false));
            if (page == ConfigParameterPage.Global && number == 1) list.Add(ConfigParameterDefinition.CreateStringParameter(Page, "\\d*", "500"));
            return list;
        }
    }
}
