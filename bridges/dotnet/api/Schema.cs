using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;

namespace Microsoft.MetadirectoryServices
{
    /// <summary>Object types and their attributes (contract page 2.3).</summary>
    public class Schema
    {
        private readonly SchemaTypeCollection types = new SchemaTypeCollection();

        public Schema(ChangeTypeDescription changeType, string objectTypeAttributeName)
        {
            ChangeType = changeType;
            ObjectTypeAttributeName = objectTypeAttributeName;
        }

        public static Schema Create()
        {
            return new Schema(null, null);
        }

        public KeyedCollection<string, SchemaType> Types
        {
            get { return types; }
        }

        /// <summary>File-based connectors only.</summary>
        public ChangeTypeDescription ChangeType { get; private set; }

        /// <summary>File-based connectors only.</summary>
        public string ObjectTypeAttributeName { get; private set; }

        public void SetReadOnly()
        {
            foreach (SchemaType type in types) type.SetReadOnly();
        }

        private sealed class SchemaTypeCollection : KeyedCollection<string, SchemaType>
        {
            protected override string GetKeyForItem(SchemaType item)
            {
                return item.Name;
            }
        }
    }

    public class SchemaType
    {
        private readonly SchemaAttributeCollection attributes = new SchemaAttributeCollection();
        private readonly List<string> dnComponents = new List<string>();

        internal SchemaType(string name, bool locked)
        {
            Name = name;
            Locked = locked;
        }

        public static SchemaType Create(string typeName, bool lockAnchorDefinition)
        {
            if (string.IsNullOrEmpty(typeName)) throw new ArgumentNullException("typeName");
            return new SchemaType(typeName, lockAnchorDefinition);
        }

        public string Name { get; private set; }

        public bool Locked { get; private set; }

        public KeyedCollection<string, SchemaAttribute> Attributes
        {
            get { return attributes; }
        }

        /// <summary>Those of the attributes that are anchors, in order.</summary>
        public KeyedCollection<string, SchemaAttribute> AnchorAttributes
        {
            get
            {
                SchemaAttributeCollection anchors = new SchemaAttributeCollection();
                foreach (SchemaAttribute attribute in attributes)
                    if (attribute.IsAnchor) anchors.Add(attribute);
                return anchors;
            }
        }

        public IList<string> PossibleDNComponentsForProvisioning
        {
            get { return dnComponents; }
        }

        public void SetReadOnly()
        {
            attributes.ReadOnly = true;
        }

        private sealed class SchemaAttributeCollection : KeyedCollection<string, SchemaAttribute>
        {
            internal bool ReadOnly;

            protected override string GetKeyForItem(SchemaAttribute item)
            {
                return item.Name;
            }

            protected override void InsertItem(int index, SchemaAttribute item)
            {
                if (ReadOnly) throw new InvalidOperationException("the schema type is read-only");
                base.InsertItem(index, item);
            }

            protected override void RemoveItem(int index)
            {
                if (ReadOnly) throw new InvalidOperationException("the schema type is read-only");
                base.RemoveItem(index);
            }
        }
    }

    public class SchemaAttribute
    {
        internal SchemaAttribute(string name, AttributeType dataType, bool anchor, bool multiValued, AttributeOperation operation)
        {
            if (string.IsNullOrEmpty(name)) throw new ArgumentNullException("attributeName");
            Name = name;
            DataType = dataType;
            IsAnchor = anchor;
            IsMultiValued = multiValued;
            AllowedAttributeOperation = operation;
        }

        public static SchemaAttribute CreateAnchorAttribute(string attributeName, AttributeType dataType)
        {
            return new SchemaAttribute(attributeName, dataType, true, false, AttributeOperation.ImportExport);
        }

        public static SchemaAttribute CreateAnchorAttribute(string attributeName, AttributeType dataType, AttributeOperation allowedOperation)
        {
            return new SchemaAttribute(attributeName, dataType, true, false, allowedOperation);
        }

        public static SchemaAttribute CreateSingleValuedAttribute(string attributeName, AttributeType dataType)
        {
            return new SchemaAttribute(attributeName, dataType, false, false, AttributeOperation.ImportExport);
        }

        public static SchemaAttribute CreateSingleValuedAttribute(string attributeName, AttributeType dataType, AttributeOperation allowedOperation)
        {
            return new SchemaAttribute(attributeName, dataType, false, false, allowedOperation);
        }

        public static SchemaAttribute CreateMultiValuedAttribute(string attributeName, AttributeType dataType)
        {
            return new SchemaAttribute(attributeName, dataType, false, true, AttributeOperation.ImportExport);
        }

        public static SchemaAttribute CreateMultiValuedAttribute(string attributeName, AttributeType dataType, AttributeOperation allowedOperation)
        {
            return new SchemaAttribute(attributeName, dataType, false, true, allowedOperation);
        }

        public string Name { get; private set; }

        public AttributeType DataType { get; private set; }

        public bool IsAnchor { get; private set; }

        public bool IsMultiValued { get; private set; }

        public AttributeOperation AllowedAttributeOperation { get; private set; }

        public bool HiddenByDefault { get; set; }

        /// <summary>The worker's: the name as it is written on the wire.</summary>
        internal byte[] EncodedName { get; set; }

        /// <summary>Several values here, one for the host: the first.</summary>
        internal bool FirstOnly { get; set; }

        public override bool Equals(object obj)
        {
            SchemaAttribute other = obj as SchemaAttribute;
            return other != null && other.Name == Name && other.DataType == DataType && other.IsAnchor == IsAnchor
                && other.IsMultiValued == IsMultiValued && other.AllowedAttributeOperation == AllowedAttributeOperation;
        }

        public override int GetHashCode()
        {
            return Name.GetHashCode();
        }
    }

    /// <summary>How a file says what happened to an object. File-based connectors only.</summary>
    public abstract class ChangeTypeDescription
    {
        protected ChangeTypeDescription()
        {
        }

        public abstract string AttributeName { get; }

        public abstract string Add { get; }

        public abstract string Modify { get; }

        public abstract string Delete { get; }
    }
}
