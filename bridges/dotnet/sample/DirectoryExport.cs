using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Security;
using System.Text;
using Microsoft.MetadirectoryServices;

namespace Landbridge.Sample
{
    public sealed partial class DirectoryConnector
    {
        private const string PasswordAttribute = "export_password";

        public int ExportDefaultPageSize
        {
            get { return 50; }
        }

        public int ExportMaxPageSize
        {
            get { return 500; }
        }

        public void OpenExportConnection(KeyedCollection<string, ConfigParameter> configParameters, Schema types, OpenExportConnectionRunStep exportRunStep)
        {
            Open(configParameters, types);
            store.LogCall("open-export " + exportRunStep.ExportType + " batch=" + exportRunStep.BatchSize + " partition=" + (exportRunStep.StepPartition == null ? "" : exportRunStep.StepPartition.DN));
        }

        public PutExportEntriesResults PutExportEntries(IList<CSEntryChange> csentries)
        {
            PutExportEntriesResults results = new PutExportEntriesResults();
            foreach (CSEntryChange change in csentries)
            {
                store.LogCall(Describe(change));
                store.DieAt("before-put");
                results.CSEntryChangeResults.Add(Apply(change));
                store.DieAt("after-put");
            }
            return results;
        }

        public void CloseExportConnection(CloseExportConnectionRunStep exportRunStep)
        {
            store.DieAt("close-export");
            store.LogCall("close-export " + exportRunStep.Reason);
        }

        private CSEntryChangeResult Apply(CSEntryChange change)
        {
            SchemaType type = schema.Types[change.ObjectType];
            foreach (AttributeChange attribute in change.AttributeChanges)
                if (!type.Attributes.Contains(attribute.Name) && attribute.Name != PasswordAttribute && attribute.Name != "DN")
                    return Failed(change, MAExportError.ExportErrorInvalidProvisioningAttributeValue, "there is no attribute '" + attribute.Name + "'");
            if (change.ObjectModificationType == ObjectModificationType.Add) return Add(type, change);
            StoredObject item = store.Read(type.Name, KeyOf(change) ?? "");
            if (settings.Flag(Settings.Special) && LacksTarget(type, change)) return CSEntryChangeResult.Create(change.Identifier, null, MAExportError.ExportActionRetryReferenceAttribute);
            if (item == null && settings.Flag(Settings.Special) && change.ObjectModificationType != ObjectModificationType.Delete)
                return CSEntryChangeResult.Create(change.Identifier, null, MAExportError.ExportActionConvertUpdateToAdd);
            if (item == null) return Failed(change, MAExportError.ExportErrorConnectedDirectoryMissingObject, "there is no such " + type.Name);
            if (change.ObjectModificationType == ObjectModificationType.Delete)
            {
                store.Delete(item);
                return CSEntryChangeResult.Create(change.Identifier, null, MAExportError.Success);
            }
            if (change.ObjectModificationType == ObjectModificationType.Replace) Clear(type, item);
            string problem = Change(type, item, change);
            if (problem != null) return Failed(change, MAExportError.ExportErrorDuplicateAnchor, problem);
            store.Write(item, "update");
            return CSEntryChangeResult.Create(change.Identifier, null, MAExportError.Success);
        }

        /// <summary>Whether a reference names a person that the application does not have yet.</summary>
        private bool LacksTarget(SchemaType type, CSEntryChange change)
        {
            foreach (AttributeChange attribute in change.AttributeChanges)
                if (type.Attributes.Contains(attribute.Name) && type.Attributes[attribute.Name].DataType == AttributeType.Reference)
                    foreach (ValueChange value in attribute.ValueChanges)
                        if (value.ModificationType == ValueModificationType.Add && store.Read(DirectorySchema.Person, (string)value.Value) == null) return true;
            return false;
        }

        private CSEntryChangeResult Add(SchemaType type, CSEntryChange change)
        {
            if (settings.Flag(Settings.Special) && LacksTarget(type, change)) return CSEntryChangeResult.Create(change.Identifier, null, MAExportError.ExportActionRetryReferenceAttribute);
            List<AttributeChange> assigned = new List<AttributeChange>();
            string key = KeyOf(change);
            if (!settings.Flag(Settings.DnAnchor) && settings.Flag(Settings.Assigned))
            {
                key = store.NextKey(type.Name);
                if (settings.Flag(Settings.Composite))
                {
                    assigned.Add(AttributeChange.CreateAttributeAdd(DirectorySchema.Region, settings.Text(Settings.Region)));
                    key = settings.Text(Settings.Region) + "|" + key;
                }
                assigned.Add(AttributeChange.CreateAttributeAdd(DirectorySchema.Key, key.Substring(key.IndexOf('|') + 1)));
            }
            if (string.IsNullOrEmpty(key)) return Failed(change, MAExportError.ExportErrorMissingProvisioningAttribute, "the anchor has no value");
            if (store.Read(type.Name, key) != null) return Failed(change, MAExportError.ExportErrorDuplicateAnchor, "a " + type.Name + " '" + key + "' exists");
            StoredObject item = new StoredObject(type.Name, key);
            item.Dn = change.DN;
            string problem = Change(type, item, change);
            if (problem != null) return Failed(change, MAExportError.ExportErrorDuplicateAnchor, problem);
            store.Write(item, "add");
            return CSEntryChangeResult.Create(change.Identifier, assigned, MAExportError.Success);
        }

        private string Change(SchemaType type, StoredObject item, CSEntryChange change)
        {
            foreach (AttributeChange attribute in change.AttributeChanges)
            {
                if (attribute.Name == "DN")
                {
                    foreach (ValueChange value in attribute.ValueChanges)
                        if (value.ModificationType == ValueModificationType.Add) item.Dn = (string)value.Value;
                    continue;
                }
                if (attribute.Name != PasswordAttribute && type.Attributes[attribute.Name].IsAnchor) continue;
                List<string> values;
                bool known = item.Values.TryGetValue(attribute.Name, out values);
                if (!known || attribute.ModificationType != AttributeModificationType.Update) values = new List<string>();
                foreach (ValueChange value in attribute.ValueChanges)
                {
                    string text = DirectorySchema.ToText(value.Value);
                    if (value.ModificationType == ValueModificationType.Delete) values.Remove(text);
                    else if (!values.Contains(text)) values.Add(text);
                }
                if (values.Count == 0) item.Values.Remove(attribute.Name);
                else item.Values[attribute.Name] = values;
            }
            if (type.Name != DirectorySchema.Person || !change.AttributeChanges.Contains("login")) return null;
            string login = item.First("login");
            string owner = login == null ? null : store.OwnerOf(login);
            return owner != null && owner != item.Key ? "the login '" + login + "' is taken" : null;
        }

        private static void Clear(SchemaType type, StoredObject item)
        {
            foreach (SchemaAttribute attribute in type.Attributes)
                if (attribute.AllowedAttributeOperation != AttributeOperation.ImportOnly && !attribute.IsAnchor) item.Values.Remove(attribute.Name);
        }

        private static CSEntryChangeResult Failed(CSEntryChange change, MAExportError error, string detail)
        {
            return CSEntryChangeResult.Create(change.Identifier, null, error, "sample-application", detail);
        }

        /// <summary>What came, without values: add person cn attributes.</summary>
        private static string Describe(CSEntryChange change)
        {
            StringBuilder text = new StringBuilder("put " + change.ObjectModificationType + " " + change.ObjectType);
            foreach (AttributeChange attribute in change.AttributeChanges)
            {
                int added = 0;
                int deleted = 0;
                foreach (ValueChange value in attribute.ValueChanges)
                    if (value.ModificationType == ValueModificationType.Delete) deleted++;
                    else added++;
                text.Append(' ').Append(attribute.Name).Append('=').Append(attribute.ModificationType).Append('+').Append(added).Append('-').Append(deleted);
            }
            return text.ToString();
        }

        public void OpenPasswordConnection(KeyedCollection<string, ConfigParameter> configParameters, Partition partition)
        {
            Open(configParameters, null);
            store.LogCall("open-password");
        }

        public ConnectionSecurityLevel GetConnectionSecurityLevel()
        {
            return ConnectionSecurityLevel.Secure;
        }

        public void SetPassword(CSEntry csentry, SecureString newPassword, PasswordOptions options)
        {
            if (newPassword.Length < 8) throw new PasswordPolicyViolationException("a password has at least 8 characters");
            StoredObject item = Find(csentry);
            store.DieAt("set-password");
            item.Values["password"] = new List<string> { newPassword.Length + " characters" };
            store.Write(item, "update");
            store.LogCall("set-password " + options);
        }

        public void ChangePassword(CSEntry csentry, SecureString oldPassword, SecureString newPassword)
        {
            if (oldPassword.Length < 8) throw new OldPasswordIncorrectException("the old password is wrong");
            SetPassword(csentry, newPassword, PasswordOptions.None);
        }

        public void ClosePasswordConnection()
        {
            store.LogCall("close-password");
        }

        private StoredObject Find(CSEntry csentry)
        {
            string key = settings.Flag(Settings.DnAnchor) ? csentry.DN.ToString() : csentry[DirectorySchema.Key].Value;
            if (settings.Flag(Settings.Composite)) key = csentry[DirectorySchema.Region].Value + "|" + key;
            StoredObject item = store.Read(csentry.ObjectType, key);
            if (item == null) throw new ObjectNotFoundException("there is no such " + csentry.ObjectType);
            return item;
        }
    }
}
