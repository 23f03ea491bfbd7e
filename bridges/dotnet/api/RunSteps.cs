using System;
using System.Collections.Generic;

namespace Microsoft.MetadirectoryServices
{
    // Contract page 2.7. Base classes and members sit exactly where compiled connectors look for them:
    // CustomData on ImportRunStep, ExportType on ExportRunStep.

    [Serializable]
    public class ImportRunStep
    {
        protected ImportRunStep()
        {
        }

        protected ImportRunStep(string customData)
        {
            CustomData = customData;
        }

        public string CustomData { get; private set; }
    }

    [Serializable]
    public sealed class OpenImportConnectionRunStep : ImportRunStep
    {
        public OpenImportConnectionRunStep() : this(null, OperationType.Full, 1, null, null, null)
        {
        }

        /// <summary>The form of ECMA 2.0, with one list of containers.</summary>
        public OpenImportConnectionRunStep(Partition stepPartition, OperationType importType, int pageSize, string customData, IList<HierarchyNode> hierarchyNodes)
            : this(stepPartition, importType, pageSize, customData, hierarchyNodes, null)
        {
        }

        public OpenImportConnectionRunStep(Partition stepPartition, OperationType importType, int pageSize, string customData, IList<HierarchyNode> inclusionHierarchyNodes, IList<HierarchyNode> exclusionHierarchyNodes)
            : base(customData)
        {
            StepPartition = stepPartition;
            ImportType = importType;
            PageSize = pageSize;
            InclusionHierarchyNodes = inclusionHierarchyNodes ?? new List<HierarchyNode>();
            ExclusionHierarchyNodes = exclusionHierarchyNodes ?? new List<HierarchyNode>();
        }

        public OperationType ImportType { get; private set; }

        public int PageSize { get; private set; }

        public Partition StepPartition { get; private set; }

        public IList<HierarchyNode> InclusionHierarchyNodes { get; private set; }

        public IList<HierarchyNode> ExclusionHierarchyNodes { get; private set; }

        /// <summary>ECMA 2.0: the containers in scope.</summary>
        public IList<HierarchyNode> HierarchyNodes
        {
            get { return InclusionHierarchyNodes; }
        }
    }

    [Serializable]
    public sealed class GetImportEntriesRunStep : ImportRunStep
    {
        public GetImportEntriesRunStep() : this(null, null)
        {
        }

        public GetImportEntriesRunStep(IList<CSEntryChange> fullObjectEntries, string customData) : base(customData)
        {
            FullObjectEntries = fullObjectEntries ?? new List<CSEntryChange>();
        }

        /// <summary>Objects that the host wants whole.</summary>
        public IList<CSEntryChange> FullObjectEntries { get; private set; }
    }

    [Serializable]
    public sealed class CloseImportConnectionRunStep : ImportRunStep
    {
        public CloseImportConnectionRunStep()
        {
        }

        public CloseImportConnectionRunStep(CloseReason reason, string customData) : base(customData)
        {
            Reason = reason;
        }

        public CloseReason Reason { get; private set; }
    }

    [Serializable]
    public class ExportRunStep
    {
        protected ExportRunStep()
        {
        }

        protected ExportRunStep(OperationType exportType)
        {
            ExportType = exportType;
        }

        public OperationType ExportType { get; private set; }
    }

    [Serializable]
    public sealed class OpenExportConnectionRunStep : ExportRunStep
    {
        public OpenExportConnectionRunStep() : this(null, 1, OperationType.Full, null, null)
        {
        }

        /// <summary>The form of ECMA 2.0, with one list of containers.</summary>
        public OpenExportConnectionRunStep(Partition stepPartition, int batchSize, OperationType exportType, IList<HierarchyNode> hierarchyNodes)
            : this(stepPartition, batchSize, exportType, hierarchyNodes, null)
        {
        }

        public OpenExportConnectionRunStep(Partition stepPartition, int batchSize, OperationType exportType, IList<HierarchyNode> inclusionHierarchyNodes, IList<HierarchyNode> exclusionHierarchyNodes)
            : base(exportType)
        {
            StepPartition = stepPartition;
            BatchSize = batchSize;
            InclusionHierarchyNodes = inclusionHierarchyNodes ?? new List<HierarchyNode>();
            ExclusionHierarchyNodes = exclusionHierarchyNodes ?? new List<HierarchyNode>();
        }

        public int BatchSize { get; private set; }

        public Partition StepPartition { get; private set; }

        public IList<HierarchyNode> InclusionHierarchyNodes { get; private set; }

        public IList<HierarchyNode> ExclusionHierarchyNodes { get; private set; }

        /// <summary>ECMA 2.0: the containers in scope.</summary>
        public IList<HierarchyNode> HierarchyNodes
        {
            get { return InclusionHierarchyNodes; }
        }
    }

    [Serializable]
    public sealed class CloseExportConnectionRunStep
    {
        public CloseExportConnectionRunStep()
        {
        }

        public CloseExportConnectionRunStep(CloseReason reason)
        {
            Reason = reason;
        }

        public CloseReason Reason { get; private set; }
    }

    [Serializable]
    public abstract class WriteImportFileRunStep : ImportRunStep
    {
        protected WriteImportFileRunStep()
        {
        }

        protected WriteImportFileRunStep(Partition stepPartition, string customData) : base(customData)
        {
            StepPartition = stepPartition;
        }

        public abstract string FilePath { get; }

        public abstract OperationType ImportType { get; }

        public Partition StepPartition { get; private set; }
    }

    [Serializable]
    public abstract class ReadExportFileRunStep : ExportRunStep
    {
        protected ReadExportFileRunStep()
        {
        }

        protected ReadExportFileRunStep(Partition stepPartition, OperationType exportType) : base(exportType)
        {
            StepPartition = stepPartition;
        }

        public abstract string FilePath { get; }

        public Partition StepPartition { get; private set; }
    }

    [Serializable]
    public class ImportResults
    {
        protected ImportResults()
        {
        }

        protected ImportResults(string customData)
        {
            CustomData = customData;
        }

        public string CustomData { get; set; }
    }

    [Serializable]
    public sealed class OpenImportConnectionResults : ImportResults
    {
        public OpenImportConnectionResults()
        {
        }

        public OpenImportConnectionResults(string customData) : base(customData)
        {
        }
    }

    [Serializable]
    public sealed class GetImportEntriesResults : ImportResults
    {
        public GetImportEntriesResults()
        {
            CSEntries = new List<CSEntryChange>();
        }

        public GetImportEntriesResults(string customData, bool moreToImport, IList<CSEntryChange> csentries) : base(customData)
        {
            MoreToImport = moreToImport;
            CSEntries = csentries;
        }

        public bool MoreToImport { get; set; }

        public IList<CSEntryChange> CSEntries { get; set; }
    }

    [Serializable]
    public sealed class CloseImportConnectionResults : ImportResults
    {
        public CloseImportConnectionResults()
        {
        }

        public CloseImportConnectionResults(string customData) : base(customData)
        {
        }
    }

    [Serializable]
    public sealed class WriteImportFileResults : ImportResults
    {
        public WriteImportFileResults()
        {
        }

        public WriteImportFileResults(string customData) : base(customData)
        {
        }
    }
}
