using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using Microsoft.MetadirectoryServices.DetachedObjectModel;

namespace Microsoft.MetadirectoryServices
{
    /// <summary>One change of one object, in imports and exports (contract page 2.6).</summary>
    public abstract class CSEntryChange
    {
        protected CSEntryChange()
        {
        }

        /// <summary>A change with an identifier of its own.</summary>
        public static CSEntryChange Create()
        {
            return new CSEntryChangeDetached(Guid.Empty, ObjectModificationType.Unconfigured, MAImportError.Success, null);
        }

        public abstract KeyedCollection<string, AnchorAttribute> AnchorAttributes { get; }

        public abstract KeyedCollection<string, AttributeChange> AttributeChanges { get; }

        public abstract IList<string> ChangedAttributeNames { get; }

        public abstract string DN { get; set; }

        public abstract string RDN { get; set; }

        public abstract Guid Identifier { get; }

        public abstract ObjectModificationType ObjectModificationType { get; set; }

        public abstract string ObjectType { get; set; }

        public abstract MAImportError ErrorCodeImport { get; set; }

        public abstract string ErrorName { get; set; }

        public abstract string ErrorDetail { get; set; }
    }

    public abstract class AnchorAttribute
    {
        protected AnchorAttribute()
        {
        }

        public static AnchorAttribute Create(string attributeName, object value)
        {
            return new AnchorAttributeDetached(attributeName, AttributeType.Undefined, value);
        }

        public abstract string Name { get; }

        public abstract object Value { get; }

        public abstract AttributeType DataType { get; }
    }

    /// <summary>One change of one attribute. The factories leave the data type undefined: the schema knows it.</summary>
    public abstract class AttributeChange
    {
        protected AttributeChange()
        {
        }

        public abstract string Name { get; }

        public abstract AttributeType DataType { get; }

        public abstract bool IsMultiValued { get; }

        public abstract AttributeModificationType ModificationType { get; set; }

        public abstract IList<ValueChange> ValueChanges { get; set; }

        public static AttributeChange CreateAttributeAdd(string attributeName, object value)
        {
            return Make(attributeName, AttributeModificationType.Add, Additions(value), false);
        }

        public static AttributeChange CreateAttributeAdd(string attributeName, IList<object> values)
        {
            return Make(attributeName, AttributeModificationType.Add, Additions(values), true);
        }

        public static AttributeChange CreateAttributeReplace(string attributeName, object value)
        {
            return Make(attributeName, AttributeModificationType.Replace, Additions(value), false);
        }

        public static AttributeChange CreateAttributeReplace(string attributeName, IList<object> values)
        {
            return Make(attributeName, AttributeModificationType.Replace, Additions(values), true);
        }

        public static AttributeChange CreateAttributeUpdate(string attributeName, object value)
        {
            return Make(attributeName, AttributeModificationType.Update, Additions(value), false);
        }

        public static AttributeChange CreateAttributeUpdate(string attributeName, IList<ValueChange> valueChanges)
        {
            return Make(attributeName, AttributeModificationType.Update, valueChanges, true);
        }

        public static AttributeChange CreateAttributeDelete(string attributeName)
        {
            return Make(attributeName, AttributeModificationType.Delete, new List<ValueChange>(), false);
        }

        /// <summary>A rename: a change of the attribute named DN.</summary>
        public static AttributeChange CreateNewDN(string newDN)
        {
            return Make(DetachedUtils.DNAttributeName, AttributeModificationType.Replace, Additions(newDN), false);
        }

        private static AttributeChange Make(string name, AttributeModificationType modification, IList<ValueChange> values, bool multiValued)
        {
            if (string.IsNullOrEmpty(name)) throw new ArgumentNullException("attributeName");
            return new AttributeChangeDetached(name, modification, values, AttributeType.Undefined, multiValued, false);
        }

        private static IList<ValueChange> Additions(object value)
        {
            return new List<ValueChange>(1) { ValueChange.CreateValueAdd(value) };
        }

        private static IList<ValueChange> Additions(IList<object> values)
        {
            if (values == null) throw new ArgumentNullException("values");
            List<ValueChange> changes = new List<ValueChange>(values.Count);
            foreach (object value in values) changes.Add(ValueChange.CreateValueAdd(value));
            return changes;
        }
    }

    [Serializable]
    public class ValueChange
    {
        public ValueChange(object value, ValueModificationType modificationType)
        {
            Value = value;
            ModificationType = modificationType;
        }

        public static ValueChange CreateValueAdd(object value)
        {
            return new ValueChange(value, ValueModificationType.Add);
        }

        public static ValueChange CreateValueDelete(object value)
        {
            return new ValueChange(value, ValueModificationType.Delete);
        }

        public object Value { get; private set; }

        public ValueModificationType ModificationType { get; private set; }
    }

    [Serializable]
    public abstract class CSEntryChangeResult
    {
        protected CSEntryChangeResult()
        {
        }

        public static CSEntryChangeResult Create(Guid identifier, IList<AttributeChange> attributeChanges, MAExportError errorCode)
        {
            return new CSEntryChangeResultDetached(identifier, attributeChanges, errorCode, null, null);
        }

        public static CSEntryChangeResult Create(Guid identifier, IList<AttributeChange> attributeChanges, MAExportError errorCode, string errorName, string errorDetail)
        {
            return new CSEntryChangeResultDetached(identifier, attributeChanges, errorCode, errorName, errorDetail);
        }

        public abstract Guid Identifier { get; }

        public abstract IList<AttributeChange> AnchorAttributes { get; }

        public abstract MAExportError ErrorCode { get; }

        public abstract string ErrorName { get; }

        public abstract string ErrorDetail { get; }
    }

    /// <summary>Results by the identifier of their change: a second one for the same change throws.</summary>
    public class PutExportEntriesResults
    {
        private readonly ResultCollection results = new ResultCollection();

        public PutExportEntriesResults()
        {
        }

        public PutExportEntriesResults(IList<CSEntryChangeResult> csentryChangeResults)
        {
            if (csentryChangeResults == null) return;
            foreach (CSEntryChangeResult result in csentryChangeResults) results.Add(result);
        }

        public KeyedCollection<Guid, CSEntryChangeResult> CSEntryChangeResults
        {
            get { return results; }
        }

        private sealed class ResultCollection : KeyedCollection<Guid, CSEntryChangeResult>
        {
            protected override Guid GetKeyForItem(CSEntryChangeResult item)
            {
                return item.Identifier;
            }
        }
    }
}
