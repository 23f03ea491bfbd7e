using System;
using System.Collections;

namespace Microsoft.MetadirectoryServices
{
    // Contract page 2.8: the entry as the password interface and rules extensions see it.

    public abstract class CSEntry
    {
        protected CSEntry()
        {
        }

        public abstract ReferenceValue DN { get; set; }

        public abstract string RDN { get; set; }

        public abstract string ObjectType { get; }

        public abstract ValueCollection ObjectClass { get; set; }

        public abstract ManagementAgent MA { get; }

        public abstract Attrib this[string attributeName] { get; }

        public abstract ConnectionState ConnectionState { get; }

        public abstract RuleType ConnectionRule { get; }

        public abstract DateTime ConnectionChangeTime { get; }

        public abstract void CommitNewConnector();

        public abstract void Deprovision();

        /// <summary>Yields the names of the attributes.</summary>
        public abstract AttributeNameEnumerator GetEnumerator();
    }

    public abstract class Attrib
    {
        protected Attrib()
        {
        }

        public abstract string Name { get; }

        public abstract bool IsPresent { get; }

        public abstract AttributeType DataType { get; }

        public abstract bool IsMultivalued { get; }

        public abstract string Value { get; set; }

        public abstract string StringValue { get; set; }

        public abstract long IntegerValue { get; set; }

        public abstract byte[] BinaryValue { get; set; }

        public abstract bool BooleanValue { get; set; }

        public abstract ReferenceValue ReferenceValue { get; set; }

        public abstract ValueCollection Values { get; set; }

        public abstract ManagementAgent LastContributingMA { get; }

        public abstract DateTime LastContributionTime { get; }

        public abstract void Delete();
    }

    public abstract class Value
    {
        protected Value()
        {
        }

        public abstract AttributeType DataType { get; }

        public abstract long ToInteger();

        public abstract byte[] ToBinary();

        public abstract bool ToBoolean();
    }

    public abstract class ReferenceValue : Value
    {
        protected ReferenceValue()
        {
        }

        public abstract int Depth { get; }

        public abstract string this[int index] { get; }

        public abstract ReferenceValue Concat(ReferenceValue suffix);

        public abstract ReferenceValue Concat(string suffix);

        public abstract ReferenceValue Parent();

        public abstract ReferenceValue Parent(int skipLevels);

        public abstract ReferenceValue Subcomponents(int start, int end);
    }

    public abstract class ValueCollection : IEnumerable
    {
        protected ValueCollection()
        {
        }

        public abstract int Count { get; }

        public abstract Value this[int index] { get; }

        public abstract ValueCollectionEnumerator GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator()
        {
            foreach (Value value in this) yield return value;
        }

        public abstract string[] ToStringArray();

        public abstract long[] ToIntegerArray();

        public abstract IEnumerable ToByteArrays();

        public abstract bool Contains(string value);

        public abstract bool Contains(long value);

        public abstract bool Contains(byte[] value);

        public abstract bool Contains(Value value);

        public abstract void Add(string value);

        public abstract void Add(long value);

        public abstract void Add(byte[] value);

        public abstract void Add(Value value);

        public abstract void Add(ValueCollection values);

        public abstract void Remove(string value);

        public abstract void Remove(long value);

        public abstract void Remove(byte[] value);

        public abstract void Remove(Value value);

        public abstract void Clear();

        public abstract void Set(bool value);
    }

    public abstract class ValueCollectionEnumerator
    {
        protected ValueCollectionEnumerator()
        {
        }

        public abstract Value Current { get; }

        public abstract bool MoveNext();

        public abstract void Reset();
    }

    public abstract class AttributeNameEnumerator
    {
        protected AttributeNameEnumerator()
        {
        }

        public abstract string Current { get; }

        public abstract bool MoveNext();

        public abstract void Reset();
    }

    public abstract class ManagementAgent
    {
        protected ManagementAgent()
        {
        }

        public abstract string Name { get; }

        public abstract ReferenceValue CreateDN(string dn);

        public abstract ReferenceValue CreateDN(Value dn);

        public abstract ReferenceValue EscapeDNComponent(params string[] parts);

        public abstract ReferenceValue EscapeDNComponent(params Value[] parts);

        public abstract string[] UnescapeDNComponent(string component);

        public abstract string NormalizeString(string value);
    }
}
