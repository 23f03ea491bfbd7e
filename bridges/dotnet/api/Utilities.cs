using System;
using System.Collections.Generic;
using System.Text;
using Microsoft.MetadirectoryServices.DetachedObjectModel;

namespace Microsoft.MetadirectoryServices
{
    /// <summary>The folder of the connector, where it may keep files over updates of its package (R28).</summary>
    public class MAUtils
    {
        private static string folder = "";

        protected MAUtils()
        {
        }

        public static string MAFolder
        {
            get { return folder; }
        }

        internal static void SetFolder(string path)
        {
            folder = path;
        }
    }

    /// <summary>Contract page 2.9. What needs the metaverse of the old engine says so.</summary>
    public class Utils
    {
        private static string extensionsDirectory = "";

        protected Utils()
        {
        }

        public static string ExtensionsDirectory
        {
            get { return extensionsDirectory; }
        }

        public static string WorkingDirectory
        {
            get { return MAUtils.MAFolder; }
        }

        public static bool InPreviewMode
        {
            get { return false; }
        }

        public static ManagementAgentCollection MAs
        {
            get { return new ManagementAgentCollection(); }
        }

        public static TransactionPropertyCollection TransactionProperties
        {
            get { return new TransactionPropertyCollection(); }
        }

        internal static void SetExtensionsDirectory(string path)
        {
            extensionsDirectory = path;
        }

        /// <summary>S-1-… from the bytes of a security identifier ([MS-DTYP] 2.4.2).</summary>
        public static string ConvertSidToString(byte[] sid)
        {
            if (sid == null || sid.Length < 8 || sid.Length != 8 + 4 * sid[1]) throw new ArgumentException("these bytes are no security identifier", "sid");
            long authority = 0;
            for (int index = 2; index < 8; index++) authority = authority << 8 | sid[index];
            StringBuilder text = new StringBuilder("S-").Append(sid[0]).Append('-').Append(authority);
            for (int part = 0; part < sid[1]; part++) text.Append('-').Append(ReadUInt32(sid, 8 + 4 * part));
            return text.ToString();
        }

        public static byte[] ConvertStringToSid(string sid)
        {
            string[] parts = (sid ?? "").Split('-');
            if (parts.Length < 3 || parts[0] != "S") throw new ArgumentException("'" + sid + "' is no security identifier", "sid");
            byte[] bytes = new byte[8 + 4 * (parts.Length - 3)];
            bytes[0] = byte.Parse(parts[1]);
            bytes[1] = (byte)(parts.Length - 3);
            long authority = long.Parse(parts[2]);
            for (int index = 7; index >= 2; index--, authority >>= 8) bytes[index] = (byte)authority;
            for (int part = 3; part < parts.Length; part++)
            {
                uint value = uint.Parse(parts[part]);
                for (int index = 0; index < 4; index++) bytes[8 + 4 * (part - 3) + index] = (byte)(value >> (8 * index));
            }
            return bytes;
        }

        public static string ConvertSecurityDescriptorToString(byte[] securityDescriptor)
        {
            object descriptor = Activator.CreateInstance(DescriptorType(), securityDescriptor, 0);
            Type sections = DescriptorType().Assembly.GetType("System.Security.AccessControl.AccessControlSections", true);
            return (string)DescriptorType().GetMethod("GetSddlForm", new[] { sections }).Invoke(descriptor, new[] { Enum.ToObject(sections, 15) });
        }

        public static byte[] ConvertStringToSecurityDescriptor(string securityDescriptor)
        {
            object descriptor = Activator.CreateInstance(DescriptorType(), securityDescriptor);
            byte[] bytes = new byte[(int)DescriptorType().GetProperty("BinaryLength").GetValue(descriptor, null)];
            DescriptorType().GetMethod("GetBinaryForm", new[] { typeof(byte[]), typeof(int) }).Invoke(descriptor, new object[] { bytes, 0 });
            return bytes;
        }

        public static AnchorAttribute CreateAnchorAttribute(string attributeName, object value)
        {
            return AnchorAttribute.Create(attributeName, value);
        }

        public static AttributeChange CreateAttributeChange(string attributeName, AttributeModificationType modificationType)
        {
            return new AttributeChangeDetached(attributeName, modificationType, null, AttributeType.Undefined, false, false);
        }

        public static CSEntryChange CreateCSEntryChange()
        {
            return CSEntryChange.Create();
        }

        public static CSEntryChangeResult CreateCSEntryChangeResult(Guid identifier, IList<AttributeChange> attributeChanges, MAExportError errorCode)
        {
            return CSEntryChangeResult.Create(identifier, attributeChanges, errorCode);
        }

        public static CSEntryChangeResult CreateCSEntryChangeResult(Guid identifier, IList<AttributeChange> attributeChanges, MAExportError errorCode, string errorName, string errorDetail)
        {
            return CSEntryChangeResult.Create(identifier, attributeChanges, errorCode, errorName, errorDetail);
        }

        public static IList<CSEntryChangeResult> CreateCSEntryChangeResultCollection()
        {
            return new List<CSEntryChangeResult>();
        }

        public static MVEntry[] FindMVEntries(string attributeName, string attributeValue)
        {
            throw NoMetaverse();
        }

        public static MVEntry[] FindMVEntries(string attributeName, string attributeValue, int maximumResults)
        {
            throw NoMetaverse();
        }

        /// <summary>The data type of a value of the object model; Undefined for anything else.</summary>
        public static AttributeType GetAttributeType(object value)
        {
            if (value is string) return AttributeType.String;
            if (value is long || value is int) return AttributeType.Integer;
            if (value is byte[]) return AttributeType.Binary;
            if (value is bool) return AttributeType.Boolean;
            return value is ReferenceValue ? AttributeType.Reference : AttributeType.Undefined;
        }

        public static string GetAttributeTypeName(AttributeType attributeType)
        {
            return attributeType.ToString();
        }

        public static bool IsTypeCompatible(AttributeType attributeType, object value)
        {
            AttributeType actual = GetAttributeType(value);
            return actual == attributeType || attributeType == AttributeType.Undefined || (attributeType == AttributeType.Reference && actual == AttributeType.String);
        }

        public static ValueCollection ValueCollection(string initialValue)
        {
            return new DetachedValueCollection(AttributeType.String, initialValue);
        }

        public static ValueCollection ValueCollection(long initialValue)
        {
            return new DetachedValueCollection(AttributeType.Integer, initialValue);
        }

        public static ValueCollection ValueCollection(byte[] initialValue)
        {
            return new DetachedValueCollection(AttributeType.Binary, initialValue);
        }

        private static uint ReadUInt32(byte[] bytes, int offset)
        {
            return bytes[offset] | (uint)bytes[offset + 1] << 8 | (uint)bytes[offset + 2] << 16 | (uint)bytes[offset + 3] << 24;
        }

        /// <summary>By name: current .NET has the type in an assembly of Windows only.</summary>
        private static Type DescriptorType()
        {
            Type type = Type.GetType("System.Security.AccessControl.RawSecurityDescriptor, mscorlib", false)
                ?? Type.GetType("System.Security.AccessControl.RawSecurityDescriptor, System.Security.AccessControl", false);
            if (type == null) throw new EntryPointNotImplementedException("this runtime has no security descriptors");
            return type;
        }

        private static Exception NoMetaverse()
        {
            return new EntryPointNotImplementedException("a connector host has no metaverse to search: this function exists for rules extensions only");
        }
    }
}
