using System;

namespace Microsoft.MetadirectoryServices
{
    // Numbers are part of the binary contract: compilers copy them into connectors (contract page 2.1).
    // Those marked "assumed" are not confirmed by anything public; unknown numbers always pass through.

    public enum MADistinguishedNameStyle { None = 0, Generic = 1, Ldap = 2 }

    public enum MAExportType { AttributeUpdate = 1, AttributeReplace = 2, ObjectReplace = 3, MultivaluedReferenceAttributeUpdate = 5 }

    /// <summary>1 and 2 are assumed.</summary>
    public enum MAObjectConfirmation { Normal = 0, NoDeleteConfirmation = 1, NoAddAndDeleteConfirmation = 2 }

    /// <summary>1 and 2 are assumed.</summary>
    [Flags]
    public enum MANormalizations { None = 0, Uppercase = 1, RemoveAccents = 2 }

    public enum OperationType { Full = 0, FullObject = 1, Delta = 2 }

    public enum ObjectModificationType { Unconfigured = 0, None = 1, Add = 2, Replace = 3, Update = 4, Delete = 5 }

    public enum AttributeModificationType { Unconfigured = 0, Add = 1, Replace = 2, Update = 3, Delete = 4 }

    public enum ValueModificationType { Unconfigured = 0, Add = 1, Delete = 2 }

    /// <summary>Undefined is assumed.</summary>
    public enum AttributeType { String = 0, Integer = 1, Reference = 2, Binary = 3, Boolean = 4, Undefined = 5 }

    public enum AttributeOperation { ImportExport = 0, ExportOnly = 1, ImportOnly = 2 }

    /// <summary>2 to 5 are assumed.</summary>
    public enum ConfigParameterPage { Connectivity = 0, Global = 1, RunStep = 2, Partition = 3, Capabilities = 4, Schema = 5 }

    /// <summary>All numbers are assumed: connectors use the factories of ConfigParameterDefinition.</summary>
    public enum ConfigParameterType { String = 0, EncryptedString = 1, Text = 2, CheckBox = 3, DropDown = 4, File = 5, Label = 6, Divider = 7 }

    public enum ParameterValidationResultCode { Success = 0, Failure = 1 }

    /// <summary>1 to 3 are assumed.</summary>
    public enum CloseReason { Normal = 0, TerminatedByUser = 1, TerminatedShuttingDown = 2, Unknown = 3 }

    public enum ConnectionSecurityLevel { NotSecure = 0, Secure = 1 }

    [Flags]
    public enum PasswordOptions { None = 0, ForceChangeAtLogOn = 1, UnlockAccount = 2, ValidatePassword = 4 }

    /// <summary>0, 11, 15 and 16 are certain, the others assumed in the order of the engine's discovery errors.</summary>
    public enum MAImportError
    {
        Success = 0,
        ImportErrorMissingChangeType = 1,
        ImportErrorInvalidChangeType = 2,
        ImportErrorMultiValuedChangeType = 3,
        ImportErrorMissingDomainName = 4,
        ImportErrorDomainNameNotLdapConformant = 5,
        ImportErrorInvalidDomainName = 6,
        ImportErrorMissingObjectClass = 7,
        ImportErrorMissingObjectType = 8,
        ImportErrorParseError = 9,
        ImportErrorReadError = 10,
        ImportErrorInvalidAttributeValue = 11,
        ImportErrorInvalidBooleanValue = 12,
        ImportErrorInvalidNumericValue = 13,
        ImportErrorInvalidBase64Value = 14,
        ImportErrorCustomStopRun = 15,
        ImportErrorCustomContinueRun = 16,
    }

    /// <summary>0, 2, 5 and 26 are certain; the other numbers, and the names from 13 on except DuplicateAnchor, InvalidDN,
    /// PermissionIssue, MissingProvisioningAttribute and CustomStopRun, are assumed.</summary>
    public enum MAExportError
    {
        Success = 0,
        ExportActionConvertUpdateToAdd = 1,
        ExportActionRetryReferenceAttribute = 2,
        ExportActionProvisioningParent = 3,
        ExportErrorConnectedDirectoryError = 4,
        ExportErrorConnectedDirectoryMissingObject = 5,
        ExportErrorConnectedDirectoryExistingObject = 6,
        ExportErrorAmbiguousUpdate = 7,
        ExportErrorAnchorTooLong = 8,
        ExportErrorChangeNamingAttribute = 9,
        ExportErrorDuplicateAnchor = 10,
        ExportErrorInvalidDN = 11,
        ExportErrorPermissionIssue = 12,
        ExportErrorMissingProvisioningAttribute = 13,
        ExportErrorInvalidProvisioningAttributeValue = 14,
        ExportErrorMissingAnchorComponent = 15,
        ExportErrorMultiValuedAnchorComponent = 16,
        ExportErrorConstraintViolation = 17,
        ExportErrorSyntaxViolation = 18,
        ExportErrorSchemaViolation = 19,
        ExportErrorDNAttributesFailure = 20,
        ExportErrorNonExistentParent = 21,
        ExportErrorInvalidAttributeValue = 22,
        ExportErrorPasswordPolicyViolation = 23,
        ExportErrorPasswordSetDisallowed = 24,
        ExportErrorCustomStopRun = 25,
        ExportErrorCustomContinueRun = 26,
    }

    /// <summary>ECMA1.</summary>
    public enum ModificationType { Add = 0, Replace = 1, Delete = 2 }

    public enum ConnectionState { Disconnected = 0, Explicit = 1, ExplicitDisconnected = 2, Connected = 3 }

    public enum RuleType { None = 0, Projection = 1, Join = 2, Provisioning = 3, Administrator = 4 }

    /// <summary>ECMA1 rules extensions: what becomes of an entry whose link is cut.</summary>
    public enum DeprovisionAction { Disconnect = 0, ExplicitDisconnect = 1, Delete = 2 }

    /// <summary>Argument of rules extensions.</summary>
    public enum ConnectorDisposition { Normal = 0, Explicit = 1 }
}
