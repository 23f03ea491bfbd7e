using System;
using System.Collections.Generic;
using System.Globalization;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Worker
{
    /// <summary>Values between the protocol and the CLR: integers as text, binary as {"$b"}, the rest as it is.</summary>
    internal static class WireValues
    {
        /// <summary>Writes a value as the type that the schema declares; what connectors get slightly wrong is put right.</summary>
        internal static void Write(JsonWriter writer, string name, AttributeType type, object value)
        {
            string text = value as string;
            switch (type)
            {
                case AttributeType.Integer:
                    writer.Integer(ToInteger(name, value));
                    return;
                case AttributeType.Boolean:
                    writer.Flag(ToBoolean(name, value));
                    return;
                case AttributeType.Binary:
                    byte[] bytes = value as byte[];
                    if (bytes != null) writer.Bytes(bytes);
                    else if (value is Guid) writer.Bytes(((Guid)value).ToByteArray());
                    else throw Wrong(name, type, value);
                    return;
                default:
                    if (text != null) writer.Text(text);
                    else if (value is byte[]) throw Wrong(name, type, value);
                    else writer.Text(Convert.ToString(value, CultureInfo.InvariantCulture));
                    return;
            }
        }

        /// <summary>How an entry is called that has an anchor and no distinguished name: by the anchor. Null for an anchor of bytes.</summary>
        internal static string NameOf(Fields anchor)
        {
            List<string> parts = new List<string>();
            foreach (KeyValuePair<string, object> one in anchor.All)
            {
                if (!(one.Value is string) && !(one.Value is IConvertible)) return null;
                parts.Add(Convert.ToString(one.Value, CultureInfo.InvariantCulture));
            }
            return parts.Count == 0 ? null : string.Join("+", parts.ToArray());
        }

        private static long ToInteger(string name, object value)
        {
            if (value is long) return (long)value;
            if (value is int) return (int)value;
            string text = value as string;
            long parsed;
            if (text != null && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out parsed)) return parsed;
            if (value is short || value is byte || value is sbyte || value is ushort || value is uint || value is Enum) return Convert.ToInt64(value, CultureInfo.InvariantCulture);
            if (value is ulong && (ulong)value <= long.MaxValue) return (long)(ulong)value;
            throw Wrong(name, AttributeType.Integer, value);
        }

        private static bool ToBoolean(string name, object value)
        {
            if (value is bool) return (bool)value;
            string text = value as string;
            bool parsed;
            if (text != null && bool.TryParse(text, out parsed)) return parsed;
            if (text == "1" || text == "0") return text == "1";
            throw Wrong(name, AttributeType.Boolean, value);
        }

        /// <summary>The CLR value of a wire value: string, long, bool or byte[].</summary>
        internal static object Read(AttributeType type, object wire)
        {
            Dictionary<string, object> wrapped = wire as Dictionary<string, object>;
            if (wrapped != null) return Convert.FromBase64String((string)wrapped["$b"]);
            string text = wire as string;
            if (type == AttributeType.Integer && text != null) return long.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            return wire;
        }

        internal static List<object> ReadAll(AttributeType type, object wire)
        {
            List<object> many = wire as List<object>;
            List<object> values = new List<object>();
            if (many == null) values.Add(Read(type, wire));
            else
                foreach (object one in many) values.Add(Read(type, one));
            return values;
        }

        private static Exception Wrong(string name, AttributeType type, object value)
        {
            return new WorkerException("invalid-attribute-value", "the attribute '" + name + "' is " + type + " in the schema, and the connector gave a " + (value == null ? "null" : value.GetType().Name));
        }
    }
}
