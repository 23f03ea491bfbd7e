using System;
using System.Collections.Generic;
using System.Globalization;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Sample
{
    /// <summary>The object types, and values between text and the types of the contract.</summary>
    public static class DirectorySchema
    {
        public const string Person = "person";
        public const string Group = "group";
        public const string Key = "id";
        public const string Region = "region";

        public static Schema Create(Settings settings)
        {
            Schema schema = Schema.Create();
            SchemaType person = SchemaType.Create(Person, true);
            AddAnchor(person, settings);
            foreach (string name in new[] { "login", "firstName", "lastName", "mail", "title", "department" }) person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute(name, AttributeType.String));
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("active", AttributeType.Boolean));
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("level", AttributeType.Integer));
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("photo", AttributeType.Binary));
            person.Attributes.Add(SchemaAttribute.CreateMultiValuedAttribute("mails", AttributeType.String));
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("manager", AttributeType.Reference));
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("note", AttributeType.String, AttributeOperation.ExportOnly));
            person.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("created", AttributeType.String, AttributeOperation.ImportOnly));
            schema.Types.Add(person);
            SchemaType group = SchemaType.Create(Group, true);
            AddAnchor(group, settings);
            group.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute("name", AttributeType.String));
            group.Attributes.Add(SchemaAttribute.CreateMultiValuedAttribute("members", AttributeType.Reference));
            schema.Types.Add(group);
            return schema;
        }

        private static void AddAnchor(SchemaType type, Settings settings)
        {
            if (settings.Flag(Settings.DnAnchor))
            {
                type.Attributes.Add(SchemaAttribute.CreateSingleValuedAttribute(Key, AttributeType.String, AttributeOperation.ImportOnly));
                return;
            }
            AttributeOperation operation = settings.Flag(Settings.Assigned) ? AttributeOperation.ImportOnly : AttributeOperation.ImportExport;
            if (settings.Flag(Settings.Composite)) type.Attributes.Add(SchemaAttribute.CreateAnchorAttribute(Region, AttributeType.String, operation));
            type.Attributes.Add(SchemaAttribute.CreateAnchorAttribute(Key, AttributeType.String, operation));
        }

        public static object FromText(AttributeType type, string text)
        {
            switch (type)
            {
                case AttributeType.Boolean: return text == "true";
                case AttributeType.Integer: return long.Parse(text, CultureInfo.InvariantCulture);
                case AttributeType.Binary: return Convert.FromBase64String(text);
            }
            return text;
        }

        public static string ToText(object value)
        {
            byte[] bytes = value as byte[];
            if (bytes != null) return Convert.ToBase64String(bytes);
            if (value is bool) return (bool)value ? "true" : "false";
            return Convert.ToString(value, CultureInfo.InvariantCulture);
        }
    }
}
