using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Text;

namespace Microsoft.MetadirectoryServices.DetachedObjectModel
{
    // Contract page 2.10: the concrete classes behind the factories; connectors also derive from them.

    [Serializable]
    public class CSEntryChangeDetached : CSEntryChange
    {
        private readonly AnchorCollection anchors = new AnchorCollection();
        private readonly ChangeCollection changes = new ChangeCollection();
        private readonly IList<string> changedAttributeNames;
        private Guid identifier;
        private string rdn;

        public CSEntryChangeDetached(Guid identifier, ObjectModificationType objectModificationType, MAImportError errorCodeImport, IList<string> changedAttributeNames)
        {
            this.identifier = identifier;
            ObjectModificationType = objectModificationType;
            ErrorCodeImport = errorCodeImport;
            this.changedAttributeNames = changedAttributeNames;
        }

        public override KeyedCollection<string, AnchorAttribute> AnchorAttributes
        {
            get { return anchors; }
        }

        public override KeyedCollection<string, AttributeChange> AttributeChanges
        {
            get { return changes; }
        }

        /// <summary>Those given, else those of the changes.</summary>
        public override IList<string> ChangedAttributeNames
        {
            get
            {
                if (changedAttributeNames != null) return changedAttributeNames;
                List<string> names = new List<string>(changes.Count);
                foreach (AttributeChange change in changes) names.Add(change.Name);
                return names;
            }
        }

        public override string DN { get; set; }

        /// <summary>The first component of the DN unless it was set.</summary>
        public override string RDN
        {
            get
            {
                if (rdn != null || string.IsNullOrEmpty(DN)) return rdn;
                string[] components = DetachedUtils.SplitDN(DN);
                return components.Length == 0 ? DN : components[0];
            }
            set { rdn = value; }
        }

        public override Guid Identifier
        {
            get
            {
                // Made when it is asked for: imports by the million never do.
                if (identifier == Guid.Empty) identifier = Guid.NewGuid();
                return identifier;
            }
        }

        public override ObjectModificationType ObjectModificationType { get; set; }

        public override string ObjectType { get; set; }

        public override MAImportError ErrorCodeImport { get; set; }

        public override string ErrorName { get; set; }

        public override string ErrorDetail { get; set; }

        [Serializable]
        private sealed class AnchorCollection : KeyedCollection<string, AnchorAttribute>
        {
            // One or two anchors need no dictionary.
            internal AnchorCollection() : base(null, 4)
            {
            }

            protected override string GetKeyForItem(AnchorAttribute item)
            {
                return item.Name;
            }
        }

        [Serializable]
        private sealed class ChangeCollection : KeyedCollection<string, AttributeChange>
        {
            internal ChangeCollection() : base(null, 8)
            {
            }

            protected override string GetKeyForItem(AttributeChange item)
            {
                return item.Name;
            }
        }
    }

    [Serializable]
    public class AttributeChangeDetached : AttributeChange
    {
        private readonly string name;
        private readonly AttributeType dataType;
        private readonly bool multiValued;

        public AttributeChangeDetached(string name, AttributeModificationType modificationType, IList<ValueChange> valueChanges, AttributeType dataType, bool isMultiValued, bool isAnchor)
        {
            this.name = name;
            ModificationType = modificationType;
            ValueChanges = valueChanges ?? new List<ValueChange>();
            this.dataType = dataType;
            multiValued = isMultiValued;
            IsAnchor = isAnchor;
        }

        public override string Name
        {
            get { return name; }
        }

        public override AttributeType DataType
        {
            get { return dataType; }
        }

        public override bool IsMultiValued
        {
            get { return multiValued; }
        }

        public override AttributeModificationType ModificationType { get; set; }

        public override IList<ValueChange> ValueChanges { get; set; }

        internal bool IsAnchor { get; private set; }
    }

    [Serializable]
    public class AnchorAttributeDetached : AnchorAttribute
    {
        private readonly string name;
        private readonly AttributeType dataType;
        private readonly object value;

        public AnchorAttributeDetached(string name, AttributeType dataType, object value)
        {
            if (string.IsNullOrEmpty(name)) throw new ArgumentNullException("name");
            this.name = name;
            this.dataType = dataType;
            this.value = value;
        }

        public override string Name
        {
            get { return name; }
        }

        public override object Value
        {
            get { return value; }
        }

        public override AttributeType DataType
        {
            get { return dataType; }
        }
    }

    [Serializable]
    public class CSEntryChangeResultDetached : CSEntryChangeResult
    {
        private readonly Guid identifier;
        private readonly IList<AttributeChange> anchorAttributes;
        private readonly MAExportError errorCode;
        private readonly string errorName;
        private readonly string errorDetail;

        public CSEntryChangeResultDetached(Guid identifier, IList<AttributeChange> attributeChanges, MAExportError errorCode, string errorName, string errorDetail)
        {
            this.identifier = identifier;
            anchorAttributes = attributeChanges ?? new List<AttributeChange>();
            this.errorCode = errorCode;
            this.errorName = errorName;
            this.errorDetail = errorDetail;
        }

        public override Guid Identifier
        {
            get { return identifier; }
        }

        public override IList<AttributeChange> AnchorAttributes
        {
            get { return anchorAttributes; }
        }

        public override MAExportError ErrorCode
        {
            get { return errorCode; }
        }

        public override string ErrorName
        {
            get { return errorName; }
        }

        public override string ErrorDetail
        {
            get { return errorDetail; }
        }
    }

    public static class DetachedUtils
    {
        public static readonly string DNAttributeName = "DN";

        /// <summary>The components of a distinguished name: split at commas that are neither escaped nor quoted (RFC 4514).</summary>
        public static string[] SplitDN(string dn)
        {
            if (dn == null) throw new ArgumentNullException("dn");
            List<string> components = new List<string>();
            StringBuilder component = new StringBuilder();
            bool quoted = false;
            for (int index = 0; index < dn.Length; index++)
            {
                char character = dn[index];
                if (character == '\\' && index + 1 < dn.Length)
                {
                    component.Append(character).Append(dn[++index]);
                    continue;
                }
                if (character == '"') quoted = !quoted;
                if (!quoted && (character == ',' || character == ';'))
                {
                    components.Add(component.ToString().Trim());
                    component.Length = 0;
                }
                else component.Append(character);
            }
            if (component.Length > 0 || components.Count > 0) components.Add(component.ToString().Trim());
            return components.ToArray();
        }

        /// <summary>Throws where a change contradicts itself: values in a delete, removals in an add or replace.</summary>
        public static void ValidateAttributeChange(AttributeChange attributeChange)
        {
            if (attributeChange == null) throw new ArgumentNullException("attributeChange");
            int count = attributeChange.ValueChanges == null ? 0 : attributeChange.ValueChanges.Count;
            if (attributeChange.ModificationType == AttributeModificationType.Delete && count > 0)
                throw new UnexpectedDataException("the deletion of the attribute '" + attributeChange.Name + "' carries values");
            if (attributeChange.ModificationType != AttributeModificationType.Add && attributeChange.ModificationType != AttributeModificationType.Replace) return;
            for (int index = 0; index < count; index++)
                if (attributeChange.ValueChanges[index].ModificationType == ValueModificationType.Delete)
                    throw new UnexpectedDataException("the attribute '" + attributeChange.Name + "' is added or replaced, and a value of it is deleted");
        }

        public static void ValidateAttributeModificationType(ObjectModificationType objectModificationType, AttributeModificationType attributeModificationType)
        {
            bool whole = objectModificationType == ObjectModificationType.Add || objectModificationType == ObjectModificationType.Replace;
            if (whole && attributeModificationType != AttributeModificationType.Add)
                throw new UnexpectedDataException("an object that is " + objectModificationType + "ed has its attributes added, not " + attributeModificationType);
            if (objectModificationType == ObjectModificationType.Delete && attributeModificationType != AttributeModificationType.Unconfigured)
                throw new UnexpectedDataException("an object that is deleted carries no attributes");
        }

        public static void ValidateObjectModificationType(ObjectModificationType objectModificationType)
        {
            if (objectModificationType == ObjectModificationType.Unconfigured)
                throw new UnexpectedDataException("the ObjectModificationType was not set");
        }
    }
}
