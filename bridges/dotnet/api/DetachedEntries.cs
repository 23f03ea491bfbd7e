using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Microsoft.MetadirectoryServices.DetachedObjectModel;

namespace Microsoft.MetadirectoryServices
{
    // The entry that a password call gets: who it is, and what the host knows of it. It cannot be written to.

    internal sealed class DetachedEntry : CSEntry
    {
        private readonly Dictionary<string, DetachedAttrib> attributes;
        private readonly string objectType;
        private readonly ManagementAgent agent;

        internal DetachedEntry(string agentName, string objectType, string dn, Dictionary<string, DetachedAttrib> attributes)
        {
            this.objectType = objectType;
            this.attributes = attributes;
            agent = new DetachedAgent(agentName);
            DN = dn == null ? null : new DetachedReference(dn);
        }

        public override ReferenceValue DN { get; set; }

        public override string RDN
        {
            get { return DN == null || DN.Depth == 0 ? null : DN[0]; }
            set { throw ReadOnly(); }
        }

        public override string ObjectType
        {
            get { return objectType; }
        }

        public override ValueCollection ObjectClass
        {
            get { return new DetachedValueCollection(AttributeType.String, objectType); }
            set { throw ReadOnly(); }
        }

        public override ManagementAgent MA
        {
            get { return agent; }
        }

        public override Attrib this[string attributeName]
        {
            get
            {
                DetachedAttrib attribute;
                return attributes.TryGetValue(attributeName, out attribute) ? attribute : new DetachedAttrib(attributeName, AttributeType.Undefined, false, new List<object>());
            }
        }

        public override ConnectionState ConnectionState
        {
            get { return ConnectionState.Connected; }
        }

        public override RuleType ConnectionRule
        {
            get { return RuleType.None; }
        }

        public override DateTime ConnectionChangeTime
        {
            get { return DateTime.MinValue; }
        }

        public override void CommitNewConnector()
        {
            throw ReadOnly();
        }

        public override void Deprovision()
        {
            throw ReadOnly();
        }

        public override AttributeNameEnumerator GetEnumerator()
        {
            return new DetachedNames(new List<string>(attributes.Keys));
        }

        public override string ToString()
        {
            return DN == null ? objectType : DN.ToString();
        }

        internal static Exception ReadOnly()
        {
            return new NotSupportedException("the entry of a password call is read-only");
        }
    }

    internal sealed class DetachedNames : AttributeNameEnumerator
    {
        private readonly List<string> names;
        private int position = -1;

        internal DetachedNames(List<string> names)
        {
            this.names = names;
        }

        public override string Current
        {
            get { return names[position]; }
        }

        public override bool MoveNext()
        {
            return ++position < names.Count;
        }

        public override void Reset()
        {
            position = -1;
        }
    }

    internal sealed class DetachedAttrib : Attrib
    {
        private readonly string name;
        private readonly AttributeType dataType;
        private readonly bool multiValued;
        private readonly List<object> values;

        internal DetachedAttrib(string name, AttributeType dataType, bool multiValued, List<object> values)
        {
            this.name = name;
            this.dataType = dataType;
            this.multiValued = multiValued;
            this.values = values;
        }

        public override string Name
        {
            get { return name; }
        }

        public override bool IsPresent
        {
            get { return values.Count > 0; }
        }

        public override AttributeType DataType
        {
            get { return dataType; }
        }

        public override bool IsMultivalued
        {
            get { return multiValued; }
        }

        public override string Value
        {
            get { return First().ToString(); }
            set { throw DetachedEntry.ReadOnly(); }
        }

        public override string StringValue
        {
            get { return First().ToString(); }
            set { throw DetachedEntry.ReadOnly(); }
        }

        public override long IntegerValue
        {
            get { return First().ToInteger(); }
            set { throw DetachedEntry.ReadOnly(); }
        }

        public override byte[] BinaryValue
        {
            get { return First().ToBinary(); }
            set { throw DetachedEntry.ReadOnly(); }
        }

        public override bool BooleanValue
        {
            get { return First().ToBoolean(); }
            set { throw DetachedEntry.ReadOnly(); }
        }

        public override ReferenceValue ReferenceValue
        {
            get { return new DetachedReference(First().ToString()); }
            set { throw DetachedEntry.ReadOnly(); }
        }

        public override ValueCollection Values
        {
            get { return new DetachedValueCollection(dataType, values.ToArray()); }
            set { throw DetachedEntry.ReadOnly(); }
        }

        public override ManagementAgent LastContributingMA
        {
            get { return null; }
        }

        public override DateTime LastContributionTime
        {
            get { return DateTime.MinValue; }
        }

        public override void Delete()
        {
            throw DetachedEntry.ReadOnly();
        }

        private Value First()
        {
            if (values.Count == 0) throw new AttributeNotPresentException("the attribute '" + name + "' has no value") { AttributeName = name };
            if (values.Count > 1) throw new TooManyValuesException("the attribute '" + name + "' has several values") { AttributeName = name };
            return new DetachedValue(dataType, values[0]);
        }
    }

    internal sealed class DetachedValue : Value
    {
        private readonly AttributeType dataType;
        private readonly object value;

        internal DetachedValue(AttributeType dataType, object value)
        {
            this.dataType = dataType;
            this.value = value;
        }

        public override AttributeType DataType
        {
            get { return dataType; }
        }

        public override long ToInteger()
        {
            return Convert.ToInt64(value, CultureInfo.InvariantCulture);
        }

        public override byte[] ToBinary()
        {
            return value as byte[] ?? Convert.FromBase64String(ToString());
        }

        public override bool ToBoolean()
        {
            return Convert.ToBoolean(value, CultureInfo.InvariantCulture);
        }

        public override string ToString()
        {
            byte[] bytes = value as byte[];
            return bytes == null ? Convert.ToString(value, CultureInfo.InvariantCulture) : Convert.ToBase64String(bytes);
        }

        public override bool Equals(object obj)
        {
            Value other = obj as Value;
            return other != null && other.ToString() == ToString();
        }

        public override int GetHashCode()
        {
            return ToString().GetHashCode();
        }
    }

    internal sealed class DetachedReference : ReferenceValue
    {
        private readonly string text;
        private readonly string[] components;

        internal DetachedReference(string text)
        {
            this.text = text;
            components = DetachedUtils.SplitDN(text);
        }

        public override AttributeType DataType
        {
            get { return AttributeType.Reference; }
        }

        public override int Depth
        {
            get { return components.Length; }
        }

        public override string this[int index]
        {
            get { return components[index]; }
        }

        public override ReferenceValue Concat(ReferenceValue suffix)
        {
            return Concat(suffix.ToString());
        }

        public override ReferenceValue Concat(string suffix)
        {
            return new DetachedReference(text.Length == 0 ? suffix : text + "," + suffix);
        }

        public override ReferenceValue Parent()
        {
            return Parent(0);
        }

        public override ReferenceValue Parent(int skipLevels)
        {
            return Subcomponents(1 + skipLevels, components.Length);
        }

        /// <summary>From start up to, and without, end.</summary>
        public override ReferenceValue Subcomponents(int start, int end)
        {
            return new DetachedReference(string.Join(",", components, start, end - start));
        }

        public override long ToInteger()
        {
            throw new InvalidCastException("a reference is no integer");
        }

        public override byte[] ToBinary()
        {
            return Encoding.UTF8.GetBytes(text);
        }

        public override bool ToBoolean()
        {
            throw new InvalidCastException("a reference is no boolean");
        }

        public override string ToString()
        {
            return text;
        }

        public override bool Equals(object obj)
        {
            ReferenceValue other = obj as ReferenceValue;
            return other != null && string.Equals(other.ToString(), text, StringComparison.OrdinalIgnoreCase);
        }

        public override int GetHashCode()
        {
            return StringComparer.OrdinalIgnoreCase.GetHashCode(text);
        }
    }

    internal sealed class DetachedValueCollection : ValueCollection
    {
        private readonly AttributeType dataType;
        private readonly List<object> values;

        internal DetachedValueCollection(AttributeType dataType, params object[] values)
        {
            this.dataType = dataType;
            this.values = new List<object>(values);
        }

        public override int Count
        {
            get { return values.Count; }
        }

        public override Value this[int index]
        {
            get { return new DetachedValue(dataType, values[index]); }
        }

        public override ValueCollectionEnumerator GetEnumerator()
        {
            return new Enumerator(this);
        }

        public override string[] ToStringArray()
        {
            string[] result = new string[Count];
            for (int index = 0; index < result.Length; index++) result[index] = this[index].ToString();
            return result;
        }

        public override long[] ToIntegerArray()
        {
            long[] result = new long[Count];
            for (int index = 0; index < result.Length; index++) result[index] = this[index].ToInteger();
            return result;
        }

        public override IEnumerable ToByteArrays()
        {
            List<byte[]> result = new List<byte[]>(Count);
            for (int index = 0; index < Count; index++) result.Add(this[index].ToBinary());
            return result;
        }

        public override bool Contains(string value)
        {
            return Find(value) >= 0;
        }

        public override bool Contains(long value)
        {
            return Find(new DetachedValue(AttributeType.Integer, value).ToString()) >= 0;
        }

        public override bool Contains(byte[] value)
        {
            return Find(Convert.ToBase64String(value)) >= 0;
        }

        public override bool Contains(Value value)
        {
            return Find(value.ToString()) >= 0;
        }

        public override void Add(string value)
        {
            values.Add(value);
        }

        public override void Add(long value)
        {
            values.Add(value);
        }

        public override void Add(byte[] value)
        {
            values.Add(value);
        }

        public override void Add(Value value)
        {
            if (value.DataType == AttributeType.Integer) values.Add(value.ToInteger());
            else if (value.DataType == AttributeType.Binary) values.Add(value.ToBinary());
            else if (value.DataType == AttributeType.Boolean) values.Add(value.ToBoolean());
            else values.Add(value.ToString());
        }

        public override void Add(ValueCollection added)
        {
            for (int index = 0; index < added.Count; index++) Add(added[index]);
        }

        public override void Remove(string value)
        {
            RemoveAt(Find(value));
        }

        public override void Remove(long value)
        {
            RemoveAt(Find(new DetachedValue(AttributeType.Integer, value).ToString()));
        }

        public override void Remove(byte[] value)
        {
            RemoveAt(Find(Convert.ToBase64String(value)));
        }

        public override void Remove(Value value)
        {
            RemoveAt(Find(value.ToString()));
        }

        public override void Clear()
        {
            values.Clear();
        }

        public override void Set(bool value)
        {
            values.Clear();
            values.Add(value);
        }

        private int Find(string text)
        {
            for (int index = 0; index < Count; index++)
                if (this[index].ToString() == text) return index;
            return -1;
        }

        private void RemoveAt(int index)
        {
            if (index >= 0) values.RemoveAt(index);
        }

        private sealed class Enumerator : ValueCollectionEnumerator
        {
            private readonly DetachedValueCollection owner;
            private int position = -1;

            internal Enumerator(DetachedValueCollection owner)
            {
                this.owner = owner;
            }

            public override Value Current
            {
                get { return owner[position]; }
            }

            public override bool MoveNext()
            {
                return ++position < owner.Count;
            }

            public override void Reset()
            {
                position = -1;
            }
        }
    }

    internal sealed class DetachedAgent : ManagementAgent
    {
        private readonly string name;

        internal DetachedAgent(string name)
        {
            this.name = name;
        }

        public override string Name
        {
            get { return name; }
        }

        public override ReferenceValue CreateDN(string dn)
        {
            return new DetachedReference(dn);
        }

        public override ReferenceValue CreateDN(Value dn)
        {
            return new DetachedReference(dn.ToString());
        }

        /// <summary>One component of a DN out of raw parts, escaped after RFC 4514.</summary>
        public override ReferenceValue EscapeDNComponent(params string[] parts)
        {
            StringBuilder text = new StringBuilder();
            foreach (string part in parts)
            {
                if (text.Length > 0) text.Append('+');
                int equals = part.IndexOf('=');
                text.Append(part, 0, equals + 1);
                string value = part.Substring(equals + 1);
                for (int index = 0; index < value.Length; index++)
                {
                    char character = value[index];
                    bool edge = (index == 0 && (character == ' ' || character == '#')) || (index == value.Length - 1 && character == ' ');
                    if (edge || ",+\"\\<>;=".IndexOf(character) >= 0) text.Append('\\');
                    text.Append(character);
                }
            }
            return new DetachedReference(text.ToString());
        }

        public override ReferenceValue EscapeDNComponent(params Value[] parts)
        {
            return EscapeDNComponent(Array.ConvertAll(parts, part => part.ToString()));
        }

        public override string[] UnescapeDNComponent(string component)
        {
            List<string> parts = new List<string>();
            StringBuilder part = new StringBuilder();
            for (int index = 0; index < component.Length; index++)
            {
                char character = component[index];
                if (character == '\\' && index + 1 < component.Length) part.Append(component[++index]);
                else if (character == '+')
                {
                    parts.Add(part.ToString());
                    part.Length = 0;
                }
                else part.Append(character);
            }
            parts.Add(part.ToString());
            return parts.ToArray();
        }

        public override string NormalizeString(string value)
        {
            return value == null ? null : value.Normalize(NormalizationForm.FormKC).ToUpperInvariant();
        }
    }
}
