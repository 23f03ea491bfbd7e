using System;

namespace Microsoft.MetadirectoryServices
{
    public class Partition
    {
        private Partition(Guid identifier, string dn, string name)
        {
            Identifier = identifier;
            DN = string.IsNullOrEmpty(dn) ? identifier.ToString() : dn;
            Name = string.IsNullOrEmpty(name) ? DN : name;
        }

        public static Partition Create(Guid identifier, string dn)
        {
            return new Partition(identifier, dn, null);
        }

        public static Partition Create(Guid identifier, string dn, string name)
        {
            return new Partition(identifier, dn, name);
        }

        public Guid Identifier { get; private set; }

        public string DN { get; private set; }

        public string Name { get; private set; }

        public bool HiddenByDefault { get; set; }
    }

    public class HierarchyNode
    {
        private HierarchyNode(string dn, string displayName)
        {
            DN = dn;
            DisplayName = displayName;
        }

        public static HierarchyNode Create(string dn, string displayName)
        {
            return new HierarchyNode(dn, displayName);
        }

        public string DN { get; private set; }

        public string DisplayName { get; private set; }
    }
}
