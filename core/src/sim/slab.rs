//! Slabs: arenas whose slots are used again, and references to slots that know when they are stale.

/// A reference to a slot of a slab as it was: stale once the slot has been freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    pub index: u32,
    pub generation: u32,
}

/// A slab: slots are reused, last freed first.
#[derive(Debug)]
pub struct Slab<T> {
    pub items: Vec<T>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab { items: Vec::new(), free: Vec::new() }
    }
}

impl<T: Slotted> Slab<T> {
    /// Stores `item` and returns its slot.
    #[inline]
    pub fn insert(&mut self, mut item: T) -> Handle {
        if let Some(index) = self.free.pop() {
            let slot = &mut self.items[index as usize];
            item.set_generation(slot.generation());
            let generation = item.generation();
            *slot = item;
            return Handle { index, generation };
        }
        let index = self.items.len() as u32;
        item.set_generation(0);
        self.items.push(item);
        Handle { index, generation: 0 }
    }

    /// Frees a slot: handles to it are stale from now on.
    #[inline]
    pub fn free(&mut self, index: u32) {
        let slot = &mut self.items[index as usize];
        slot.set_generation(slot.generation().wrapping_add(1));
        self.free.push(index);
    }

    /// The item that `handle` means, unless it has been freed.
    #[inline]
    pub fn get(&self, handle: Handle) -> Option<&T> {
        self.items.get(handle.index as usize).filter(|i| i.generation() == handle.generation)
    }

    /// A handle to the item now in slot `index`.
    #[inline]
    pub fn handle(&self, index: u32) -> Handle {
        Handle { index, generation: self.items[index as usize].generation() }
    }

    /// How many slots are in use.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }

    /// The slots that are in use, in order.
    pub fn used(&self) -> Vec<u32> {
        let mut used = vec![true; self.items.len()];
        for &i in &self.free {
            used[i as usize] = false;
        }
        (0..self.items.len() as u32).filter(|&i| used[i as usize]).collect()
    }
}

/// What a slab stores.
pub trait Slotted {
    /// The slot's generation.
    fn generation(&self) -> u32;
    /// Sets it.
    fn set_generation(&mut self, generation: u32);
}

/// The `i`-th item of a list that few kinds of runs use: it grows up to it, with copies of `empty`.
pub fn reach<T: Clone>(items: &mut Vec<T>, i: u32, empty: T) -> &mut T {
    let i = i as usize;
    if items.len() <= i {
        items.resize(i + 1, empty);
    }
    &mut items[i]
}
