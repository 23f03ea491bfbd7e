using System;
using System.Collections;
using System.Collections.ObjectModel;
using System.Collections.Specialized;

namespace Microsoft.MetadirectoryServices
{
    // Contract page 1.12 and 2.8, end: what rules extensions and ECMA1 connectors refer to. Some ECMA2 connectors implement
    // these on the same class, so the types must exist for their assemblies to load; the host never calls them.

    public interface IMASynchronization
    {
        void Initialize();

        void Terminate();

        bool ShouldProjectToMV(CSEntry csentry, out string MVObjectType);

        bool FilterForDisconnection(CSEntry csentry);

        void MapAttributesForJoin(string FlowRuleName, CSEntry csentry, ref ValueCollection values);

        bool ResolveJoinSearch(string joinCriteriaName, CSEntry csentry, MVEntry[] rgmventry, out int imventry, ref string MVObjectType);

        void MapAttributesForImport(string FlowRuleName, CSEntry csentry, MVEntry mventry);

        void MapAttributesForExport(string FlowRuleName, MVEntry mventry, CSEntry csentry);

        DeprovisionAction Deprovision(CSEntry csentry);
    }

    public interface IMVSynchronization
    {
        void Initialize();

        void Terminate();

        void Provision(MVEntry mventry);

        bool ShouldDeleteFromMV(CSEntry csentry, MVEntry mventry);
    }

    public interface IMAPasswordManagement
    {
        void BeginConnectionToServer(string connectTo, string user, string password);

        ConnectionSecurityLevel GetConnectionSecurityLevel();

        bool RequireChangePasswordOnNextLogin(CSEntry csentry, bool fRequireChangePasswordOnNextLogin);

        void ChangePassword(CSEntry csentry, string OldPassword, string NewPassword);

        void SetPassword(CSEntry csentry, string NewPassword);

        void EndConnectionToServer();
    }

    /// <summary>ECMA1, deprecated since ECMA 2.0.</summary>
    public interface IMAExtensibleFileImport
    {
        void GenerateImportFile(string fileName, string connectTo, string user, string password, ConfigParameterCollection configParameters, bool fFullImport, TypeDescriptionCollection types, ref string customData);
    }

    /// <summary>ECMA1, deprecated since ECMA 2.0.</summary>
    public interface IMAExtensibleFileExport
    {
        void DeliverExportFile(string fileName, string connectTo, string user, string password, ConfigParameterCollection configParameters, TypeDescriptionCollection types);
    }

    /// <summary>ECMA1, deprecated since ECMA 2.0.</summary>
    public interface IMAExtensibleCallExport
    {
        void BeginExport(string connectTo, string user, string password, ConfigParameterCollection configParameters, TypeDescriptionCollection types);

        void ExportEntry(ModificationType modificationType, string[] changedAttributes, CSEntry csentry);

        void EndExport();
    }

    public abstract class MVEntry
    {
        protected MVEntry()
        {
        }

        public abstract Guid ObjectID { get; }

        public abstract string ObjectType { get; set; }

        public abstract ConnectedMACollection ConnectedMAs { get; }

        public abstract Attrib this[string attributeName] { get; }

        public abstract AttributeNameEnumerator GetEnumerator();
    }

    public abstract class ConnectedMA : ManagementAgent
    {
        protected ConnectedMA()
        {
        }

        public abstract ConnectorCollection Connectors { get; }
    }

    public abstract class ConnectedMACollection
    {
        protected ConnectedMACollection()
        {
        }

        public abstract ConnectedMA this[string managementAgentName] { get; }

        public abstract int Count { get; }
    }

    public abstract class ConnectorCollection
    {
        protected ConnectorCollection()
        {
        }

        public abstract int Count { get; }

        public abstract ConnectorCollectionByIndex ByIndex { get; }

        public abstract ConnectorCollectionByDN ByDN { get; }

        public abstract CSEntry StartNewConnector(string objectType);

        public abstract void DeprovisionAll();
    }

    public abstract class ConnectorCollectionByIndex
    {
        protected ConnectorCollectionByIndex()
        {
        }

        public abstract CSEntry this[int index] { get; }
    }

    public abstract class ConnectorCollectionByDN
    {
        protected ConnectorCollectionByDN()
        {
        }

        public abstract CSEntry this[ReferenceValue dn] { get; }
    }

    public class ManagementAgentCollection : IEnumerable
    {
        public int Count
        {
            get { return 0; }
        }

        public ManagementAgent this[string managementAgentName]
        {
            get { throw new NoSuchManagementAgentException("there is no management agent '" + managementAgentName + "': this is a connector host"); }
        }

        public IEnumerator GetEnumerator()
        {
            return new ManagementAgent[0].GetEnumerator();
        }
    }

    public class TransactionPropertyCollection : HybridDictionary
    {
    }

    public class ConfigParameterCollection : KeyedCollection<string, ConfigParameter>
    {
        protected override string GetKeyForItem(ConfigParameter item)
        {
            return item.Name;
        }
    }

    public abstract class TypeDescription
    {
        protected TypeDescription()
        {
        }

        public abstract string Name { get; }

        public abstract AttributeDescriptionCollection Attributes { get; }

        public abstract AttributeDescriptionCollection AnchorAttributes { get; }
    }

    public class TypeDescriptionCollection : KeyedCollection<string, TypeDescription>
    {
        protected override string GetKeyForItem(TypeDescription item)
        {
            return item.Name;
        }
    }

    public abstract class AttributeDescription
    {
        protected AttributeDescription()
        {
        }

        public abstract string Name { get; }

        public abstract AttributeType DataType { get; }

        public abstract bool IsMultiValued { get; }
    }

    public class AttributeDescriptionCollection : KeyedCollection<string, AttributeDescription>
    {
        protected override string GetKeyForItem(AttributeDescription item)
        {
            return item.Name;
        }
    }

    /// <summary>Provisioning of Exchange mailboxes belongs to the old engine: every call says so.</summary>
    public static class ExchangeUtils
    {
        public static CSEntry CreateMailbox(ConnectedMA managementAgent, ReferenceValue dn, string mailNickname, string mailboxMDB)
        {
            throw new EntryPointNotImplementedException("a connector host provisions no Exchange mailboxes: this function exists for rules extensions only");
        }
    }
}
