namespace Microsoft.MetadirectoryServices
{
    /// <summary>What a connector declares about itself. The defaults are those a connector sees that sets nothing (contract page 2.2).</summary>
    public class MACapabilities
    {
        private MADistinguishedNameStyle distinguishedNameStyle = MADistinguishedNameStyle.Generic;

        public MACapabilities()
        {
            ObjectRename = true;
            DeltaImport = true;
            ConcurrentOperation = true;
            DeleteAddAsReplace = true;
            ExportType = MAExportType.AttributeUpdate;
            ObjectConfirmation = MAObjectConfirmation.Normal;
            Normalizations = MANormalizations.None;
            SupportImport = true;
            SupportExport = true;
            SupportPartitions = true;
            SupportPassword = true;
            SupportHierarchy = true;
        }

        /// <summary>None takes renames away: without a name there is nothing to rename.</summary>
        public MADistinguishedNameStyle DistinguishedNameStyle
        {
            get { return distinguishedNameStyle; }
            set
            {
                distinguishedNameStyle = value;
                if (value == MADistinguishedNameStyle.None) ObjectRename = false;
            }
        }

        public bool ObjectRename { get; set; }

        public bool NoReferenceValuesInFirstExport { get; set; }

        public bool DeltaImport { get; set; }

        public bool ConcurrentOperation { get; set; }

        public bool DeleteAddAsReplace { get; set; }

        public bool ExportPasswordInFirstPass { get; set; }

        public bool FullExport { get; set; }

        public MAObjectConfirmation ObjectConfirmation { get; set; }

        public MAExportType ExportType { get; set; }

        public MANormalizations Normalizations { get; set; }

        public bool IsDNAsAnchor { get; set; }

        public bool SupportImport { get; set; }

        public bool SupportExport { get; set; }

        public bool SupportPartitions { get; set; }

        public bool SupportPassword { get; set; }

        public bool SupportHierarchy { get; set; }
    }
}
