using System;

namespace Microsoft.MetadirectoryServices
{
    // Contract page 2.11: 42 exceptions in two trees. Leaf types of the second are sealed.

    [Serializable]
    public class MetadirectoryServicesException : ApplicationException
    {
        public MetadirectoryServicesException() { }

        public MetadirectoryServicesException(string message) : base(message) { }

        public MetadirectoryServicesException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public class NoSuchAttributeException : MetadirectoryServicesException
    {
        public NoSuchAttributeException() { }

        public NoSuchAttributeException(string message) : base(message) { }

        public NoSuchAttributeException(string message, Exception innerException) : base(message, innerException) { }

        public string AttributeName { get; internal set; }
    }

    [Serializable]
    public class NoSuchParameterException : MetadirectoryServicesException
    {
        public NoSuchParameterException() { }

        public NoSuchParameterException(string message) : base(message) { }

        public NoSuchParameterException(string message, Exception innerException) : base(message, innerException) { }

        public string ParameterName { get; internal set; }
    }

    [Serializable]
    public class NoSuchAttributeInObjectTypeException : MetadirectoryServicesException
    {
        public NoSuchAttributeInObjectTypeException() { }

        public NoSuchAttributeInObjectTypeException(string message) : base(message) { }

        public NoSuchAttributeInObjectTypeException(string message, Exception innerException) : base(message, innerException) { }

        public string AttributeName { get; internal set; }

        public string ObjectType { get; internal set; }
    }

    [Serializable]
    public class AttributeDoesNotExistOnObjectException : MetadirectoryServicesException
    {
        public AttributeDoesNotExistOnObjectException() { }

        public AttributeDoesNotExistOnObjectException(string message) : base(message) { }

        public AttributeDoesNotExistOnObjectException(string message, Exception innerException) : base(message, innerException) { }

        public string AttributeName { get; internal set; }

        public string ObjectType { get; internal set; }
    }

    [Serializable]
    public class AttributeNotInInclusionListException : MetadirectoryServicesException
    {
        public AttributeNotInInclusionListException() { }

        public AttributeNotInInclusionListException(string message) : base(message) { }

        public AttributeNotInInclusionListException(string message, Exception innerException) : base(message, innerException) { }

        public string AttributeName { get; internal set; }
    }

    [Serializable]
    public class AttributeNotPresentException : MetadirectoryServicesException
    {
        public AttributeNotPresentException() { }

        public AttributeNotPresentException(string message) : base(message) { }

        public AttributeNotPresentException(string message, Exception innerException) : base(message, innerException) { }

        public string AttributeName { get; internal set; }
    }

    [Serializable]
    public class AttributeNotDefinedAsSourceException : MetadirectoryServicesException
    {
        public AttributeNotDefinedAsSourceException() { }

        public AttributeNotDefinedAsSourceException(string message) : base(message) { }

        public AttributeNotDefinedAsSourceException(string message, Exception innerException) : base(message, innerException) { }

        public string AttributeName { get; internal set; }
    }

    [Serializable]
    public class TooManyValuesException : MetadirectoryServicesException
    {
        public TooManyValuesException() { }

        public TooManyValuesException(string message) : base(message) { }

        public TooManyValuesException(string message, Exception innerException) : base(message, innerException) { }

        public string AttributeName { get; internal set; }
    }

    [Serializable]
    public class NoSuchClassException : MetadirectoryServicesException
    {
        public NoSuchClassException() { }

        public NoSuchClassException(string message) : base(message) { }

        public NoSuchClassException(string message, Exception innerException) : base(message, innerException) { }

        public string ObjectType { get; internal set; }
    }

    [Serializable]
    public class NoSuchObjectTypeException : MetadirectoryServicesException
    {
        public NoSuchObjectTypeException() { }

        public NoSuchObjectTypeException(string message) : base(message) { }

        public NoSuchObjectTypeException(string message, Exception innerException) : base(message, innerException) { }

        public string ObjectType { get; internal set; }
    }

    [Serializable]
    public class NoSuchManagementAgentException : MetadirectoryServicesException
    {
        public NoSuchManagementAgentException() { }

        public NoSuchManagementAgentException(string message) : base(message) { }

        public NoSuchManagementAgentException(string message, Exception innerException) : base(message, innerException) { }

        public string MAName { get; internal set; }
    }

    [Serializable]
    public class NoSuchObjectException : MetadirectoryServicesException
    {
        public NoSuchObjectException() { }

        public NoSuchObjectException(string message) : base(message) { }

        public NoSuchObjectException(string message, Exception innerException) : base(message, innerException) { }

        public NoSuchObjectException(string maName, string dn) : base("there is no object '" + dn + "' in '" + maName + "'")
        {
            MAName = maName;
        }

        public string MAName { get; internal set; }

        public ReferenceValue DN { get; internal set; }
    }

    [Serializable]
    public class InvalidDNException : MetadirectoryServicesException
    {
        public InvalidDNException() { }

        public InvalidDNException(string message) : base(message) { }

        public InvalidDNException(string message, Exception innerException) : base(message, innerException) { }

        public ReferenceValue DN { get; internal set; }
    }

    [Serializable]
    public class ObjectAlreadyExistsException : MetadirectoryServicesException
    {
        public ObjectAlreadyExistsException() { }

        public ObjectAlreadyExistsException(string message) : base(message) { }

        public ObjectAlreadyExistsException(string message, Exception innerException) : base(message, innerException) { }

        public string MAName { get; internal set; }

        public ReferenceValue DN { get; internal set; }
    }

    [Serializable]
    public class MissingParentObjectException : MetadirectoryServicesException
    {
        public MissingParentObjectException() { }

        public MissingParentObjectException(string message) : base(message) { }

        public MissingParentObjectException(string message, Exception innerException) : base(message, innerException) { }

        public string MAName { get; internal set; }

        public ReferenceValue DN { get; internal set; }
    }

    [Serializable]
    public class NoCompatiblePartitionFoundException : MetadirectoryServicesException
    {
        public NoCompatiblePartitionFoundException() { }

        public NoCompatiblePartitionFoundException(string message) : base(message) { }

        public NoCompatiblePartitionFoundException(string message, Exception innerException) : base(message, innerException) { }

        public NoCompatiblePartitionFoundException(string maName, string dn, string[] objectClasses, string objectType)
            : base("no partition of '" + maName + "' takes '" + dn + "'")
        {
            MAName = maName;
            ObjectClasses = objectClasses;
            ObjectType = objectType;
        }

        public string MAName { get; internal set; }

        public ReferenceValue DN { get; internal set; }

        public string[] ObjectClasses { get; internal set; }

        public string ObjectType { get; internal set; }
    }

    [Serializable]
    public class ExtensionException : ApplicationException
    {
        public ExtensionException() { }

        public ExtensionException(string message) : base(message) { }

        public ExtensionException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class TerminateRunException : ExtensionException
    {
        public TerminateRunException() { }

        public TerminateRunException(string message) : base(message) { }

        public TerminateRunException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class DeclineMappingException : ExtensionException
    {
        public DeclineMappingException() { }

        public DeclineMappingException(string message) : base(message) { }

        public DeclineMappingException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class UnexpectedDataException : ExtensionException
    {
        public UnexpectedDataException() { }

        public UnexpectedDataException(string message) : base(message) { }

        public UnexpectedDataException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class EntryPointNotImplementedException : ExtensionException
    {
        public EntryPointNotImplementedException() { }

        public EntryPointNotImplementedException(string message) : base(message) { }

        public EntryPointNotImplementedException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class OldPasswordIncorrectException : ExtensionException
    {
        public OldPasswordIncorrectException() { }

        public OldPasswordIncorrectException(string message) : base(message) { }

        public OldPasswordIncorrectException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class ObjectNotFoundException : ExtensionException
    {
        public ObjectNotFoundException() { }

        public ObjectNotFoundException(string message) : base(message) { }

        public ObjectNotFoundException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class ObjectTypeNotSupportedException : ExtensionException
    {
        public ObjectTypeNotSupportedException() { }

        public ObjectTypeNotSupportedException(string message) : base(message) { }

        public ObjectTypeNotSupportedException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class AccessDeniedException : ExtensionException
    {
        public AccessDeniedException() { }

        public AccessDeniedException(string message) : base(message) { }

        public AccessDeniedException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class PasswordIllFormedException : ExtensionException
    {
        public PasswordIllFormedException() { }

        public PasswordIllFormedException(string message) : base(message) { }

        public PasswordIllFormedException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class PasswordPolicyViolationException : ExtensionException
    {
        public PasswordPolicyViolationException() { }

        public PasswordPolicyViolationException(string message) : base(message) { }

        public PasswordPolicyViolationException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class BadServerCredentialsException : ExtensionException
    {
        public BadServerCredentialsException() { }

        public BadServerCredentialsException(string message) : base(message) { }

        public BadServerCredentialsException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class ServerDownException : ExtensionException
    {
        public ServerDownException() { }

        public ServerDownException(string message) : base(message) { }

        public ServerDownException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class FailedConnectionException : ExtensionException
    {
        public FailedConnectionException() { }

        public FailedConnectionException(string message) : base(message) { }

        public FailedConnectionException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class DroppedConnectionException : ExtensionException
    {
        public DroppedConnectionException() { }

        public DroppedConnectionException(string message) : base(message) { }

        public DroppedConnectionException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class WarningNoWatermarkException : ExtensionException
    {
        public WarningNoWatermarkException() { }

        public WarningNoWatermarkException(string message) : base(message) { }

        public WarningNoWatermarkException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class FailedSearchException : ExtensionException
    {
        public FailedSearchException() { }

        public FailedSearchException(string message) : base(message) { }

        public FailedSearchException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class PasswordExtensionException : ExtensionException
    {
        public PasswordExtensionException() { }

        public PasswordExtensionException(string message) : base(message) { }

        public PasswordExtensionException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class EndConnectionException : ExtensionException
    {
        public EndConnectionException() { }

        public EndConnectionException(string message) : base(message) { }

        public EndConnectionException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class ClosePasswordConnectionException : ExtensionException
    {
        public ClosePasswordConnectionException() { }

        public ClosePasswordConnectionException(string message) : base(message) { }

        public ClosePasswordConnectionException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class EntryExportException : ExtensionException
    {
        public EntryExportException() { }

        public EntryExportException(string message) : base(message) { }

        public EntryExportException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class FatalEntryExportException : ExtensionException
    {
        public FatalEntryExportException() { }

        public FatalEntryExportException(string message) : base(message) { }

        public FatalEntryExportException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class ExtensibleExtensionException : ExtensionException
    {
        public ExtensibleExtensionException() { }

        public ExtensibleExtensionException(string message) : base(message) { }

        public ExtensibleExtensionException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class FunctionEvaluationException : ExtensionException
    {
        public FunctionEvaluationException() { }

        public FunctionEvaluationException(string message) : base(message) { }

        public FunctionEvaluationException(string message, Exception innerException) : base(message, innerException) { }
    }

    [Serializable]
    public sealed class ProvisioningBySyncRuleException : ExtensionException
    {
        public ProvisioningBySyncRuleException() { }

        public ProvisioningBySyncRuleException(string message) : base(message) { }

        public ProvisioningBySyncRuleException(string message, Exception innerException) : base(message, innerException) { }
    }
}
